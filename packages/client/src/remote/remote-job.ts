import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, Job, JobProgress } from '@securestore/objects';
import { callSignal, checkOptions, inContext } from '@securestore/objects/surface';
import { EVENTS_TYPE, fromProblem, Latest, readEvents, withDates } from '@securestore/protocol';
import { ADMINISTRATION_TIMES } from './administration-times.ts';
import type { Calls } from '../transport/calls.ts';
import { outgoingJson } from '../transport/outgoing.ts';

/** Long work to be asked for. */
export interface LongCall {
  readonly operation: string;
  readonly path: string;
  readonly body?: object | undefined;
  /** What the job is called until the server says it. */
  readonly id: string;
  /** Told of each step. */
  readonly onProgress?: ((progress: never) => void) | undefined;
}

function lost(): SecureStoreError {
  const message = 'the connection to the server ended before the job did. The job may still run there.';
  return new SecureStoreError('UNAVAILABLE', message, { outcome: 'unknown', advice: [{ id: 'list-jobs' }] });
}

/** What happens to long work at the server. */
class Following<R> {
  readonly progress: Latest<JobProgress> = new Latest();
  readonly #calls: Calls;
  readonly #call: LongCall;
  /** Ends the request where the job has no name yet. */
  readonly #stop = new AbortController();
  #id: string | undefined;
  #isCancelled = false;

  constructor(calls: Calls, call: LongCall) {
    this.#calls = calls;
    this.#call = call;
  }

  get id(): string {
    return this.#id ?? this.#call.id;
  }

  async run(): Promise<R> {
    const { path, body } = this.#call;
    const ask = { method: 'POST', path, signal: this.#stop.signal } as const;
    try {
      const events = await this.#calls.open(ask, EVENTS_TYPE, body && outgoingJson(body));
      for await (const { type, data } of readEvents(events)) {
        if (type === 'job') this.#begun((data as { readonly id: string }).id);
        else if (type === 'progress') this.#step(data);
        else if (type === 'report') return withDates(data, ADMINISTRATION_TIMES) as R;
        else throw fromProblem(data, lost());
      }
      throw lost();
    } finally {
      this.progress.end();
    }
  }

  #step(data: unknown): void {
    this.progress.set(data as JobProgress);
    this.#call.onProgress?.(data as never);
  }

  #begun(id: string): void {
    this.#id = id;
    if (this.#isCancelled) this.#sendCancel(id);
  }

  #sendCancel(id: string): void {
    const path = `/v1/jobs/${encodeURIComponent(id)}/cancel`;
    // How it ends is told where the job is followed; where this is lost, the job goes on, which is told too.
    this.#calls.send({ method: 'POST', path }).catch(() => undefined);
  }

  cancel(): void {
    this.#isCancelled = true;
    if (this.#id === undefined) this.#stop.abort();
    else this.#sendCancel(this.#id);
  }
}

/** Long work at the server, as a job of this process: it goes on there where this process ends. */
export function remoteJob<R>(
  calls: Calls,
  call: LongCall,
  options: CallOptions | undefined,
  known: ReadonlySet<string>,
): Job<R> {
  const { operation } = call;
  const following = new Following<R>(calls, call);
  let signal: AbortSignal | undefined;
  const run = async (): Promise<R> => {
    try {
      calls.checkOpen();
      checkOptions(options, known);
      signal = callSignal(options);
      signal?.addEventListener('abort', () => following.cancel(), { once: true });
      return await following.run();
    } catch (error) {
      throw inContext(error, operation, undefined, signal);
    }
  };
  const result = calls.ofManySteps(run);
  const job = Object.assign(result, { progress: following.progress, cancel: () => following.cancel() });
  return Object.defineProperty(job, 'id', { get: () => following.id, enumerable: true }) as typeof job & {
    readonly id: string;
  };
}
