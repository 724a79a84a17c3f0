import { SecureStoreError } from '@securestore/core-format';
import type { Clock, Instant } from '../state/clock.ts';
import { elapsedSince, instant } from '../state/clock.ts';
import { jsonCopy } from '../state/json.ts';
import type { Lease } from './lease.ts';
import type { ProgressFeed } from './progress.ts';
import { cancelled } from '../state/refusals.ts';
import type { SavedCursor } from '../state/state.ts';
import { MAX_CURSOR } from '../state/state.ts';
import type { JobContext, JobKind } from '../state/types.ts';

/** How often a saved cursor is written at most, in milliseconds. */
const SAVE_EVERY = 1000;
/** How long a lease may go without being renewed, in milliseconds; less a second it is renewed whatever happens. */
const RENEW_WITHIN = 5000;
/** How soon a renewal is tried again, and how often a finished job tries to remove its state, in milliseconds. */
const RETRY_AFTER = 1000;
const REMOVE_TRIES = 3;

/** What a run has to work with. */
export interface RunSetting {
  readonly lease: Lease;
  readonly feed: ProgressFeed;
  readonly clock: Clock;
  /** Aborted by a caller that wants the run to stop, and by the run itself when it has lost its lease. */
  readonly stop: AbortController;
}

type Outlasts = NonNullable<JobKind<never, unknown>['outlasts']>;

/** Writes the state of a running job: when there is something to save, and often enough to keep the lease. */
class StateWriter {
  readonly #lease: Lease;
  readonly #feed: ProgressFeed;
  readonly #clock: Clock;
  readonly #stop: AbortController;
  readonly #outlasts: Outlasts;
  readonly #ended = new AbortController();
  readonly #beating: Promise<void>;
  #saved: SavedCursor | undefined;
  /** When the last write began, and the last one that took place. */
  #tried: Instant;
  #written: Instant;
  #writing: Promise<unknown> = Promise.resolve();
  #queued: Promise<void> | undefined;
  #failed = false;

  constructor({ lease, feed, clock, stop }: RunSetting, outlasts: Outlasts = () => false) {
    this.#outlasts = outlasts;
    this.#lease = lease;
    this.#feed = feed;
    this.#clock = clock;
    this.#stop = stop;
    this.#saved = lease.state.saved;
    this.#tried = instant(clock);
    this.#written = this.#tried;
    this.#beating = this.#beat();
  }

  async save(cursor: unknown, now: boolean): Promise<void> {
    const { id } = this.#lease;
    if (this.#ended.signal.aborted)
      throw new SecureStoreError('ABORTED', `job ${id} has ended, so its cursor cannot be saved`);
    const copy = jsonCopy(cursor, `the cursor of job ${id}`, MAX_CURSOR);
    this.#saved = { cursor: copy, progress: this.#feed.counters };
    this.#stop.signal.throwIfAborted();
    if (now) return this.#write();
    // Not waited for: what fails here is written by the next save or renewal, or aborts the signal.
    if (this.#queued === undefined && elapsedSince(this.#tried, this.#clock) >= SAVE_EVERY)
      void this.#write().catch(() => undefined);
    return undefined;
  }

  /** Writes nothing more from here on. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#beating;
    await this.#writing;
  }

  /** Gives the lease up, so that the job can be resumed. */
  async release(error: string): Promise<void> {
    try {
      await this.#lease.release({ progress: this.#feed.counters, error, ...(this.#saved && { saved: this.#saved }) });
    } catch {
      // The lease expires by itself. What ended the run matters more to the caller.
    }
  }

  /** Removes the state of a finished job. If that fails, a later resume finds nothing left to do. */
  async remove(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#lease.remove();
      } catch {
        if (tries === REMOVE_TRIES) return undefined;
        await this.#clock.sleep(RETRY_AFTER);
      }
    }
  }

  async #beat(): Promise<void> {
    while (!this.#failed) {
      const rest = RENEW_WITHIN - RETRY_AFTER - elapsedSince(this.#written, this.#clock);
      try {
        await this.#clock.sleep(Math.max(rest, RETRY_AFTER), this.#ended.signal);
      } catch {
        return;
      }
      const due = elapsedSince(this.#written, this.#clock) >= RENEW_WITHIN - RETRY_AFTER;
      // A backend that is away for a while stops no job: no other process can take the job over meanwhile either.
      if (due) await this.#write().catch(() => undefined);
    }
  }

  /** Writes what is known when its turn comes. One write at a time; the one that waits stands for all who ask. */
  #write(): Promise<void> {
    if (this.#queued === undefined) {
      this.#queued = this.#writing.then(() => {
        this.#queued = undefined;
        return this.#renew();
      });
      this.#writing = this.#queued.catch(() => undefined);
    }
    return this.#queued;
  }

  #fail(error: unknown): unknown {
    this.#failed = true;
    this.#stop.abort(error);
    return error;
  }

  async #renew(): Promise<void> {
    const begun = instant(this.#clock);
    this.#tried = begun;
    const { counters } = this.#feed;
    let held: boolean;
    try {
      held = await this.#lease.renew({ progress: counters, ...(this.#saved && { saved: this.#saved }) });
    } catch (error) {
      if (!SecureStoreError.is(error) || !(error.retryable || this.#outlasts(error))) this.#fail(error);
      throw error;
    }
    if (!held) throw this.#fail(await this.#lease.lost());
    this.#written = begun;
    if (this.#lease.state.cancelling) {
      this.#stop.abort(cancelled(this.#lease.id, 'by another process'));
    }
  }
}

function contextOf<P>(parameters: P, writer: StateWriter, { lease, feed, clock, stop }: RunSetting): JobContext<P> {
  return {
    id: lease.id,
    parameters,
    cursor: lease.state.saved?.cursor,
    signal: stop.signal,
    clock,
    progress: (update) => feed.update(update),
    save: (cursor, options) => writer.save(cursor, options?.now === true),
  };
}

/** What the promise of the job rejects with: the reason why it was stopped, if the work fails only because of that. */
export function failureOf(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted && (!SecureStoreError.is(error) || error.code === 'ABORTED') ? signal.reason : error;
}

/** Runs a job whose lease is held, and leaves either nothing or what the next run needs. */
export async function runJob<P, R>(kind: JobKind<P, R>, parameters: P, setting: RunSetting): Promise<R> {
  const { lease, feed, stop } = setting;
  feed.restore(lease.state.saved?.progress ?? { phase: 'starting', done: 0, bytes: 0 });
  const writer = new StateWriter(setting, kind.outlasts);
  try {
    stop.signal.throwIfAborted();
    const result = await kind.run(contextOf(parameters, writer, setting));
    await writer.end();
    await writer.remove();
    return result;
  } catch (error) {
    const failure = failureOf(error, stop.signal);
    await writer.end();
    const isFinal = SecureStoreError.is(failure) && kind.isFinal?.(failure) === true;
    if (kind.resumable === false || isFinal) await writer.remove();
    else await writer.release(SecureStoreError.is(failure) ? failure.code : 'INTERNAL');
    throw failure;
  }
}
