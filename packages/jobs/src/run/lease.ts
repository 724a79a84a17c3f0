import { SecureStoreError } from '@securestore/core-format';
import type { Clock, Instant } from '../state/clock.ts';
import { elapsedSince, instant } from '../state/clock.ts';
import type { JobRecord, JobRecords } from '../state/records.ts';
import { isUndecided } from '../state/answers.ts';
import type { JobState } from '../state/state.ts';

/** How long after its last write a run is taken for dead, in milliseconds. */
const LAPSES_AFTER = 15_000;
/** How often the lease of another process is read, in milliseconds. */
const LOOK_EVERY = 1000;
/** Each try either decides who has the state or finds that another process has just changed it. */
const TRIES = 5;

/** Distinguishes a lease whose holder is dead from one that is renewed. */
export class LeaseWatch {
  readonly #records: JobRecords;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly mark: string; readonly since: Instant }>();

  constructor(records: JobRecords, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Whether a process runs the job, as far as is known. The backend's clock decides at once; watching takes up to 15 s. */
  isHeld(id: string, { parsed: { run, beat }, modified, now }: JobRecord): boolean {
    if (run === undefined) {
      this.#seen.delete(id);
      return false;
    }
    const mark = `${run} ${beat}`;
    const seen = this.#seen.get(id);
    if (seen?.mark !== mark) this.#seen.set(id, { mark, since: instant(this.#clock) });
    if (now !== undefined && now - modified > LAPSES_AFTER) return false;
    return seen?.mark !== mark || elapsedSince(seen.since, this.#clock) <= LAPSES_AFTER;
  }

  /** Forgets all jobs but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
  }

  /**
   * The state of a job once no process runs it: at once, or after watching its lease for up to 15 s. `undefined` if there
   * is none.
   *
   * @throws SecureStoreError `LOCKED` as soon as a process is seen to run it
   */
  async whenFree(id: string, signal?: AbortSignal): Promise<JobRecord | undefined> {
    let first: string | undefined;
    for (;;) {
      const record = await this.#records.read(id);
      if (record === undefined || !this.isHeld(id, record)) return record;
      const mark = `${record.parsed.run} ${record.parsed.beat}`;
      first ??= mark;
      if (mark !== first) throw lockedBy(id);
      await this.#clock.sleep(LOOK_EVERY, signal);
    }
  }

  /**
   * The etag of a state that can't be read, once no process can be writing it: its lease can't be read, but a process that runs
   * the job would replace the state, or stop. `undefined` if there is no such state any more.
   *
   * @throws SecureStoreError `LOCKED` if a process replaces it
   */
  async whenAbandoned(id: string, signal?: AbortSignal): Promise<string | undefined> {
    const since = instant(this.#clock);
    let first: string | undefined;
    for (;;) {
      const stored = await this.#records.readAny(id);
      if (stored === undefined || stored.parsed !== undefined) return undefined;
      const { etag, modified, now } = stored;
      first ??= etag;
      if (etag !== first) throw lockedBy(id);
      const lapsed = now !== undefined && now - modified > LAPSES_AFTER;
      if (lapsed || elapsedSince(since, this.#clock) > LAPSES_AFTER) return etag;
      await this.#clock.sleep(LOOK_EVERY, signal);
    }
  }
}

/** The error for a job that another process runs. */
export function lockedBy(id: string): SecureStoreError {
  return new SecureStoreError('LOCKED', `job ${id} is already running`, {
    reason: 'job-running',
    advice: [
      { id: 'wait-for-job', job: id },
      { id: 'cancel-job', job: id },
    ],
  });
}

/** A conflict without another writer does not mean that the job was lost, so it must not look like that. */
function unsettled(id: string, failure: unknown): unknown {
  if (!SecureStoreError.is(failure, 'CONFLICT')) return failure;
  const message = `the state of job ${id} cannot be written: the storage said ${TRIES} times that it had changed`;
  return new SecureStoreError('UNAVAILABLE', message, { cause: failure, advice: [{ id: 'try-again' }] });
}

/**
 * What a run holds while it works: the right to change the state of its job. It only saves work, since a process may
 * sleep past its end; whatever the work does must be right with two runs at once.
 */
export class Lease {
  readonly id: string;
  readonly #records: JobRecords;
  readonly #run: string;
  #state: JobState;
  #etag: string | undefined;

  /** @param etag of the state that is taken over; `undefined` for a new job */
  constructor(records: JobRecords, id: string, run: string, state: JobState, etag?: string) {
    const { error: _, ...rest } = state;
    this.id = id;
    this.#records = records;
    this.#run = run;
    this.#state = { ...rest, run, beat: 0, cancelling: false };
    this.#etag = etag;
  }

  get state(): JobState {
    return this.#state;
  }

  /** Takes or renews the lease, with what has changed. `false` if another process has the state, or it is gone. */
  async renew(changes: Partial<Pick<JobState, 'progress' | 'saved'>> = {}): Promise<boolean> {
    this.#state = { ...this.#state, ...changes };
    return this.#write();
  }

  /** Gives the lease up with what the next run needs. */
  async release(changes: Pick<JobState, 'progress' | 'saved' | 'error'>): Promise<void> {
    const { run: _, ...rest } = this.#state;
    this.#state = { ...rest, ...changes, cancelling: false };
    await this.#write();
  }

  /** The error of a run that isn't the one that holds the lease any more. */
  async lost(): Promise<SecureStoreError> {
    const record = await this.#records.read(this.id);
    return record === undefined
      ? new SecureStoreError('CONFLICT', `the state of job ${this.id} was removed while the job ran`, {
          advice: [{ id: 'start-job-again', job: this.id }],
        })
      : new SecureStoreError('LOCKED', `job ${this.id} was taken over by another process: its lease had expired`, {
          reason: 'job-lost',
          advice: [{ id: 'wait-for-job', job: this.id }],
        });
  }

  /** Writes the state, whatever becomes of a single try. */
  async #write(): Promise<boolean> {
    const { beat } = this.#state;
    let failure: unknown;
    for (let tries = 0; tries < TRIES; tries++) {
      this.#state = { ...this.#state, beat: this.#state.beat + 1 };
      try {
        this.#etag = await this.#records.write(this.id, this.#state, this.#etag);
        return true;
      } catch (error) {
        if (!isUndecided(error)) throw error;
        failure = error;
      }
      const record = await this.#records.read(this.id);
      if (record?.etag === this.#etag) continue;
      if (record?.parsed.run !== this.#run) return false;
      this.#adopt(record);
      // One of the tries has taken place after all: another one would only race with those that are still on their way.
      if (record.parsed.beat > beat) return true;
    }
    throw unsettled(this.id, failure);
  }

  /** Continues from a state of this run: its own that was written after all, or one that asks the run to stop. */
  #adopt({ etag, parsed }: JobRecord): void {
    this.#etag = etag;
    if (this.#state.run !== undefined) this.#state = { ...this.#state, cancelling: parsed.cancelling };
  }

  /** Removes the state of a finished job. */
  async remove(): Promise<void> {
    let failure: unknown;
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        if (this.#etag !== undefined) await this.#records.remove(this.id, this.#etag);
        return;
      } catch (error) {
        if (!isUndecided(error)) throw error;
        failure = error;
      }
      const record = await this.#records.read(this.id);
      if (record?.parsed.run !== this.#run) return;
      this.#adopt(record);
    }
    throw failure;
  }
}
