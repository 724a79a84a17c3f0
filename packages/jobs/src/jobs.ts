import { encodeBase32, SecureStoreError } from '@securestore/core-format';
import { isUndecided } from './state/answers.ts';
import type { Clock } from './state/clock.ts';
import { jsonCopy } from './state/json.ts';
import { Lease, LeaseWatch, lockedBy } from './run/lease.ts';
import { ProgressFeed } from './run/progress.ts';
import type { JobRecord } from './state/records.ts';
import { JobRecords, unreadableBecause } from './state/records.ts';
import { failureOf, runJob } from './run/run.ts';
import { aborted, cancelled, checkId, checkSame, checkStart, isSame, notFound } from './state/refusals.ts';
import type { JobState } from './state/state.ts';
import { MAX_PARAMETERS } from './state/state.ts';
import type {
  Job,
  JobKind,
  JobsOptions,
  JobSummary,
  ResumeOptions,
  StartOptions,
  UnfinishedJob,
} from './state/types.ts';
import { stateUnderWay } from './state/under-way.ts';

const CANCEL_TRIES = 5;
/** How often a state may exist when it is to be created and be gone when it is read. */
const BEGIN_TRIES = 5;

/** A job whose lease is held. */
interface Prepared<P, R> {
  readonly lease: Lease;
  readonly kind: JobKind<P, R>;
  readonly parameters: P;
}

/** When a job began, as far as can be told. */
function startOf(job: JobSummary): number {
  return job.state === 'damaged' ? job.updated : job.started;
}

/**
 * Long work over one storage. A job that stops before it is done, for whatever reason, continues from its cursor when it
 * is started or resumed. The state of a finished job is removed.
 *
 * While a job runs its state is rewritten at least every 5 s; a job whose state was not rewritten for 15 s is taken for
 * dead. Calls that need to know whether a process runs a job therefore take up to 15 s after a process died, and up to
 * 5 s if one is alive.
 */
export class Jobs {
  readonly #records: JobRecords;
  readonly #watch: LeaseWatch;
  readonly #clock: Clock;
  readonly #random: (length: number) => Uint8Array;
  readonly #running = new Map<string, AbortController>();

  constructor({ storage, clock, random }: JobsOptions) {
    this.#records = new JobRecords(storage, clock);
    this.#watch = new LeaseWatch(this.#records, clock);
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Starts a job, or resumes the one under the same id if it is unfinished, no process runs it, and it has the same kind
   * and parameters. An unfinished job of another kind or with other parameters is replaced if `replace` is set. The id is
   * by default the name of the kind.
   *
   * A damaged state is replaced once it was not rewritten for 15 s: the job begins again.
   *
   * Beside what {@link Job} lists the promise rejects with `INVALID_ARGUMENT`, with `TOO_LARGE`, with `FORMAT_VERSION`
   * if a newer release has left the job unfinished, and with what the storage throws.
   *
   * @param parameters JSON of at most 16 KiB. They are stored: never put a secret into them
   */
  start<P, R>(kind: JobKind<P, R>, parameters: P, options: StartOptions = {}): Job<R> {
    const unique = options.exclusive === false ? `-${encodeBase32(this.#random(10))}` : '';
    const id = options.id ?? kind.name + unique;
    return this.#launch(id, options.signal, async (signal) => {
      checkStart(kind.name, options);
      checkId(id);
      const copy = jsonCopy(parameters, `the parameters of job ${id}`, MAX_PARAMETERS);
      if (options.before !== undefined) await options.before(signal);
      return { lease: await this.#begin(id, kind, copy, options, signal), kind, parameters: copy };
    });
  }

  /**
   * Resumes an unfinished job that no process runs.
   *
   * Beside what {@link Job} lists the promise rejects with `NOT_FOUND`, with `UNSUPPORTED` if its kind is not one of
   * `kinds`, with `INVALID_ARGUMENT`, `INTEGRITY`, `FORMAT_VERSION`, and with what the storage throws.
   */
  resume<R>(kinds: readonly JobKind<unknown, R>[], id: string, options: ResumeOptions = {}): Job<R> {
    return this.#launch(id, options.signal, async (signal) => {
      checkId(id);
      const found = await this.#whenFree(kinds, id, signal);
      const name = found?.parsed?.kind ?? id;
      const kind = kinds.find((other) => other.name === name);
      if (kind === undefined) {
        if (found === undefined) throw notFound(id);
        throw new SecureStoreError(
          'UNSUPPORTED',
          `cannot resume job ${id} of the kind ${name}: only the call that began it does`,
        );
      }
      const left = await stateUnderWay(kind, found?.parsed, (parameters) => this.#newState(name, parameters));
      if (left === undefined) {
        // The state is of no use, even if it can't be removed now.
        if (found !== undefined) await this.#records.remove(id, found.etag).catch(() => undefined);
        throw notFound(id);
      }
      const parameters = kind.parse(left.parameters);
      return { lease: await this.#takeOver(id, left, found?.etag), kind, parameters };
    });
  }

  /**
   * All unfinished jobs, also those whose state can't be read, the oldest first.
   *
   * @param kinds those whose {@link JobKind.underWay} is called
   * @throws SecureStoreError what the storage throws
   */
  async list(kinds: readonly JobKind<unknown, unknown>[] = []): Promise<JobSummary[]> {
    const summaries: JobSummary[] = [];
    for await (const id of this.#records.list()) {
      const summary = await this.#look(id);
      if (summary !== undefined && !(await this.#isOver(kinds, summary))) summaries.push(summary);
    }
    this.#watch.keep(new Set(summaries.map(({ id }) => id)));
    return summaries.toSorted((a, b) => startOf(a) - startOf(b));
  }

  /** The state of a job that no process runs. A damaged state counts as none if the owner of the work knows what is under way. */
  async #whenFree(
    kinds: readonly JobKind<unknown, unknown>[],
    id: string,
    signal: AbortSignal,
  ): Promise<{ readonly parsed?: JobState; readonly etag: string } | undefined> {
    try {
      return await this.#watch.whenFree(id, signal);
    } catch (error) {
      const isKept = kinds.some(({ name, underWay }) => name === id && underWay !== undefined);
      if (!isKept || !SecureStoreError.is(error, 'INTEGRITY')) throw error;
    }
    const etag = await this.#watch.whenAbandoned(id, signal);
    return etag === undefined ? this.#watch.whenFree(id, signal) : { etag };
  }

  /** Whether a state that no process works on belongs to work that is not under way. */
  async #isOver(
    kinds: readonly JobKind<unknown, unknown>[],
    { id, kind: name = id, state }: JobSummary,
  ): Promise<boolean> {
    if (state !== 'interrupted' && state !== 'damaged') return false;
    const kind = kinds.find((other) => other.name === name);
    return kind?.underWay !== undefined && (await kind.underWay()) === undefined;
  }

  async #look(id: string): Promise<JobSummary | undefined> {
    const stored = await this.#records.readAny(id);
    if (stored === undefined) return undefined;
    if (stored.parsed !== undefined) return this.#summary(id, stored);
    return { id, state: 'damaged', updated: stored.modified, error: stored.code };
  }

  /**
   * Asks the process that runs the job to stop: at once if that is this object, else when the run next renews its lease,
   * which takes up to 5 s. Does nothing if no process runs the job. The job stays, to be resumed or forgotten.
   *
   * @throws SecureStoreError `NOT_FOUND`, `INVALID_ARGUMENT`, `INTEGRITY`, `FORMAT_VERSION`, what the storage throws
   */
  async cancel(id: string): Promise<void> {
    checkId(id);
    const here = this.#running.get(id);
    if (here !== undefined) return here.abort(cancelled(id, undefined));
    let failure: unknown;
    for (let tries = 0; tries < CANCEL_TRIES; tries++) {
      const record = await this.#records.read(id);
      if (record === undefined) throw notFound(id);
      if (record.parsed.run === undefined || record.parsed.cancelling) return undefined;
      try {
        await this.#records.write(id, { ...record.parsed, cancelling: true }, record.etag);
        return undefined;
      } catch (error) {
        if (!isUndecided(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  /**
   * Gives up a job that no process runs: it can't be resumed any more. Also works if its state is damaged or was written
   * by a newer release.
   *
   * @throws SecureStoreError `NOT_FOUND`, `LOCKED` if a process runs it, `INVALID_ARGUMENT`, what the storage throws
   */
  async forget(id: string): Promise<void> {
    checkId(id);
    const etag = await this.#etagWhenFree(id);
    if (etag === undefined) throw notFound(id);
    try {
      await this.#records.remove(id, etag);
    } catch (error) {
      if (!isUndecided(error)) throw error;
      const left = await this.#records.readUnchecked(id);
      if (left?.etag === etag) throw error;
      if (left !== undefined) throw lockedBy(id);
    }
  }

  async #etagWhenFree(id: string): Promise<string | undefined> {
    if (this.#running.has(id)) throw lockedBy(id);
    const stored = await this.#records.readUnchecked(id);
    try {
      const record = await this.#watch.whenFree(id);
      return record?.etag;
    } catch (error) {
      const code = unreadableBecause(error);
      if (code === undefined) throw error;
      // A process of a newer release may run what this release can't read.
      return code === 'INTEGRITY' ? stored?.etag : this.#watch.whenAbandoned(id);
    }
  }

  #launch<P, R>(
    id: string,
    callers: AbortSignal | undefined,
    prepare: (signal: AbortSignal) => Promise<Prepared<P, R>>,
  ): Job<R> {
    const feed = new ProgressFeed(this.#clock, 'waiting');
    const stop = new AbortController();
    const result = this.#run(id, feed, stop, callers, prepare).finally(() => feed.end());
    const cancel = (reason?: string): void => stop.abort(cancelled(id, reason));
    return Object.assign(result, { id, progress: feed, cancel });
  }

  async #run<P, R>(
    id: string,
    feed: ProgressFeed,
    stop: AbortController,
    callers: AbortSignal | undefined,
    prepare: (signal: AbortSignal) => Promise<Prepared<P, R>>,
  ): Promise<R> {
    if (this.#running.has(id)) throw lockedBy(id);
    this.#running.set(id, stop);
    const onAbort = (): void => callers && stop.abort(aborted(id, callers));
    callers?.addEventListener('abort', onAbort, { once: true });
    try {
      if (callers?.aborted === true) onAbort();
      stop.signal.throwIfAborted();
      const { lease, kind, parameters } = await prepare(stop.signal);
      return await runJob(kind, parameters, { lease, feed, clock: this.#clock, stop });
    } catch (error) {
      throw failureOf(error, stop.signal);
    } finally {
      callers?.removeEventListener('abort', onAbort);
      this.#running.delete(id);
    }
  }

  /** The lease of a new job, or of the same job that was left unfinished. */
  async #begin<P, R>(
    id: string,
    kind: JobKind<P, R>,
    parameters: P,
    { replace = false }: StartOptions,
    signal: AbortSignal,
  ): Promise<Lease> {
    const state = this.#newState(kind.name, parameters);
    for (let tries = 0; tries < BEGIN_TRIES; tries++) {
      try {
        const lease = new Lease(this.#records, id, this.#newRun(), state);
        if (await lease.renew()) return lease;
        const record = await this.#watch.whenFree(id, signal);
        if (record === undefined) continue;
        const left = await stateUnderWay(kind, record.parsed, (others) => this.#newState(kind.name, others));
        const goesOn = left !== undefined && (!replace || isSame(state, left));
        if (goesOn) checkSame(id, state, left);
        return await this.#takeOver(id, goesOn ? left : state, record.etag);
      } catch (error) {
        if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      }
      // An attacker who can damage a state can also hide it: to begin again gives away nothing more.
      const etag = await this.#watch.whenAbandoned(id, signal);
      if (etag !== undefined) return this.#takeOver(id, state, etag);
    }
    const message = `job ${id} cannot be taken over: its state changed ${BEGIN_TRIES} times meanwhile`;
    throw new SecureStoreError('UNAVAILABLE', message, { advice: [{ id: 'try-again' }] });
  }

  #newState(kind: string, parameters: unknown): JobState {
    const progress = { phase: 'starting', done: 0, bytes: 0 };
    return { kind, parameters, started: Math.floor(this.#clock.now()), beat: 0, cancelling: false, progress };
  }

  /** @param etag of the state that is replaced; `undefined` if there is none */
  async #takeOver(id: string, state: JobState, etag: string | undefined): Promise<Lease> {
    const lease = new Lease(this.#records, id, this.#newRun(), state, etag);
    if (!(await lease.renew())) throw lockedBy(id);
    return lease;
  }

  #newRun(): string {
    return encodeBase32(this.#random(16));
  }

  #summary(id: string, record: JobRecord): UnfinishedJob {
    const { kind, started, cancelling, error, progress } = record.parsed;
    const runs = cancelling ? 'cancelling' : 'running';
    return {
      id,
      kind,
      state: this.#watch.isHeld(id, record) ? runs : 'interrupted',
      progress,
      started,
      updated: record.modified,
      ...(error !== undefined && { error }),
    };
  }
}
