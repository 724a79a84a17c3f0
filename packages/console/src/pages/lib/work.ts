import { signal } from '@preact/signals';
import type { JobProgress } from '@securestore/objects';
import type { WorkRecord } from '@securestore/protocol';
import { ApiError, ask, asApiError, errorIn, follow, get, isApiError, unreadable } from './api.ts';
import { announce } from './announce.ts';
import { atEnd } from './ending.ts';

/** Long work at the server, as far as it is known here. */
export interface WorkState {
  readonly state: 'idle' | 'running' | 'stopping' | 'paused' | 'done' | 'failed';
  /** The path that it was asked of, and what was asked. */
  readonly path?: string | undefined;
  readonly asked?: unknown;
  /** Of the record, by which it is found again. */
  readonly record?: string | undefined;
  readonly job?: string | undefined;
  /** Milliseconds since 1970. */
  readonly started?: number | undefined;
  readonly progress?: JobProgress | undefined;
  readonly report?: unknown;
  readonly error?: ApiError | undefined;
  /** Whether the server can't be reached at the moment. */
  readonly isCutOff?: boolean | undefined;
}

/** How long to wait until it is looked again whether the server is there, in milliseconds. */
const LOOK_AGAIN = 2000;

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** One piece of long work: started or found again, followed, stopped and gone on with. */
export class Work {
  readonly state = signal<WorkState>({ state: 'idle' });
  /** Of which following counts: an older one tells nothing any more. */
  #round = 0;
  readonly #whenDone: string;

  /** @param whenDone what is announced at the end to those who do not see it */
  constructor(whenDone = 'It is done.') {
    this.#whenDone = whenDone;
    atEnd(() => this.leave());
  }

  #set(changes: Partial<WorkState>): void {
    this.state.value = { ...this.state.peek(), ...changes };
  }

  /** Starts work, or goes on with work that was stopped. What comes of it stands in the state. */
  async start(path: string, asked: unknown, body: unknown = asked): Promise<void> {
    const round = ++this.#round;
    this.state.value = { state: 'running', path, asked, started: Date.now() };
    await this.#follow(round, () => follow('POST', path, { body }));
  }

  /** Finds work again, such as after the page was loaded anew. @throws ApiError */
  async attach(record: string): Promise<void> {
    const known = this.state.peek();
    if (known.record === record && known.state !== 'idle') return;
    const round = ++this.#round;
    const found = await get<WorkRecord>(`/v1/work/${encodeURIComponent(record)}`);
    if (round !== this.#round) return;
    this.state.value = stateOf(found);
    if (found.state === 'running') await this.#follow(round, () => this.#events(record));
  }

  #events(record: string): ReturnType<typeof follow> {
    return follow('GET', `/v1/work/${encodeURIComponent(record)}/events`, { unattended: true });
  }

  async #follow(round: number, begin: () => ReturnType<typeof follow>): Promise<void> {
    for (let events = begin; round === this.#round;) {
      try {
        for await (const { type, data } of events()) {
          if (round !== this.#round) return;
          this.#take(type, data);
          if (type === 'report' || type === 'error') return;
        }
      } catch (error) {
        if (round !== this.#round || !this.#isLost(error)) return;
      }
      const { record } = this.state.peek();
      if (record === undefined) return this.#set({ state: 'failed', error: unreadable() });
      await wait(LOOK_AGAIN);
      if (round !== this.#round || (await this.#isOver(round, record))) return;
      events = () => this.#events(record);
    }
  }

  /** Whether the connection alone was lost, so that the work can be found again. */
  #isLost(error: unknown): boolean {
    const { record } = this.state.peek();
    if (record !== undefined && isApiError(error, 'OFFLINE')) {
      this.#set({ isCutOff: true });
      return true;
    }
    this.#set({ state: 'failed', error: asApiError(error), isCutOff: false });
    return false;
  }

  /** Looks what has become of work that is not followed any more. */
  async #isOver(round: number, record: string): Promise<boolean> {
    try {
      const found = await get<WorkRecord>(`/v1/work/${encodeURIComponent(record)}`, {}, { unattended: true });
      if (round !== this.#round) return true;
      this.state.value = { ...stateOf(found), isCutOff: false };
      return found.state !== 'running';
    } catch (error) {
      if (round !== this.#round) return true;
      if (isApiError(error, 'OFFLINE')) return false;
      this.#set({ state: 'failed', error: asApiError(error), isCutOff: false });
      return true;
    }
  }

  #take(type: string, data: unknown): void {
    if (type === 'job') {
      const { id, record } = data as { readonly id?: string; readonly record?: string };
      this.#set({ job: id, record });
    } else if (type === 'progress') {
      this.#set({ progress: data as JobProgress, isCutOff: false });
    } else if (type === 'report') {
      this.#set({ state: 'done', report: data, isCutOff: false });
      announce(this.#whenDone);
    } else {
      const error = errorIn(data);
      this.#set({ state: error.code === 'ABORTED' ? 'paused' : 'failed', error, isCutOff: false });
      announce(error.code === 'ABORTED' ? 'It is stopped.' : `It has failed: ${error.message}`);
    }
  }

  /** Asks the work to stop where it is. @throws ApiError */
  async stop(): Promise<void> {
    const { job, state } = this.state.peek();
    if (job === undefined || state !== 'running') return;
    this.#set({ state: 'stopping' });
    try {
      await ask('POST', `/v1/jobs/${encodeURIComponent(job)}/cancel`);
    } catch (error) {
      this.#set({ state: 'running' });
      throw error;
    }
  }

  /** Goes on with what was stopped, or has failed. */
  async again(): Promise<void> {
    const { path, asked } = this.state.peek();
    if (path !== undefined && asked !== undefined) await this.start(path, asked);
  }

  /** Follows it no longer. It goes on at the server, where it runs. */
  leave(): void {
    this.#round += 1;
    this.state.value = { state: 'idle' };
  }
}

/** The path that work was asked of. */
function pathOf({ route }: WorkRecord): string {
  return route.replace(/^POST /, '');
}

function stateOf(found: WorkRecord): WorkState {
  const { id, job, asked, state, started, progress, report, error } = found;
  const failure = error === undefined ? undefined : errorIn(error);
  return {
    state: state === 'failed' && failure?.code === 'ABORTED' ? 'paused' : state,
    path: pathOf(found),
    asked,
    record: id,
    job,
    started: new Date(started).getTime(),
    progress,
    report,
    error: failure,
  };
}

/** Where work was asked of that gets data back. */
const RESTORES: readonly string[] = ['/v1/restore', '/v1/restore/store'];

/** Whether a record is of a restore that has changed, or changes, something. */
export function isRestore(found: WorkRecord): boolean {
  const isDry = (found.asked as { readonly dryRun?: boolean } | undefined)?.dryRun === true;
  return RESTORES.includes(pathOf(found)) && !isDry;
}

/** The newest first. @throws ApiError */
export async function workOf(
  request: { readonly signal?: AbortSignal; readonly unattended?: boolean } = {},
): Promise<WorkRecord[]> {
  const { work } = await get<{ work: WorkRecord[] }>('/v1/work', {}, request);
  return work.toSorted((one, other) => other.started.localeCompare(one.started));
}

/** The restore that this page follows. */
export const restoring = new Work();
/** What it does with backups. */
export const backingUp = new Work();
export const rotating = new Work();
