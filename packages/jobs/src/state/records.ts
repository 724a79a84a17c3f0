import { SecureStoreError } from '@securestore/core-format';
import { answerWithin } from './answers.ts';
import type { Clock } from './clock.ts';
import type { JobState } from './state.ts';
import { decodeState, encodeState } from './state.ts';
import type { DamagedJob, JobStorage, StoredState } from './types.ts';

type UnreadableCode = DamagedJob['error'];

/** How long the storage may take for a call, in milliseconds: a call that hangs must not make a lease expire. */
const ANSWER_WITHIN = 5000;

/** What is stored of a job, with its state decoded. */
export interface JobRecord extends StoredState {
  readonly parsed: JobState;
}

/** What is stored of a job whose state can't be read. */
export interface UnreadableRecord extends StoredState {
  readonly parsed: undefined;
  readonly code: UnreadableCode;
}

/** Why a state can't be read: it is damaged, or of a newer release. */
export function unreadableBecause(error: unknown): UnreadableCode | undefined {
  if (SecureStoreError.is(error, 'INTEGRITY')) return 'INTEGRITY';
  return SecureStoreError.is(error, 'FORMAT_VERSION') ? 'FORMAT_VERSION' : undefined;
}

/** Names the job that cannot continue. The name of its state at the backend would tell a caller nothing. */
function unwritten(id: string, error: unknown): unknown {
  if (!SecureStoreError.is(error) || error.code === 'CONFLICT') return error;
  const message = `job ${id} cannot write its state: ${error.message.replace(/\.$/, '')}. What is done stays done.`;
  const advice = [{ id: 'start-job-again', job: id }] as const;
  return SecureStoreError.from(error, { message, operation: undefined, key: undefined, advice });
}

/** A {@link JobStorage} that always answers, with states that are checked. */
export class JobRecords {
  readonly #storage: JobStorage;
  readonly #clock: Clock;

  constructor(storage: JobStorage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  readUnchecked(id: string): Promise<StoredState | undefined> {
    return this.#inTime(id, this.#storage.read(id));
  }

  /** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
  async read(id: string): Promise<JobRecord | undefined> {
    const stored = await this.readUnchecked(id);
    return stored && { ...stored, parsed: decodeState(stored.state, id) };
  }

  /** What is stored, also if it can't be read. */
  async readAny(id: string): Promise<JobRecord | UnreadableRecord | undefined> {
    const stored = await this.readUnchecked(id);
    try {
      return stored && { ...stored, parsed: decodeState(stored.state, id) };
    } catch (error) {
      const code = unreadableBecause(error);
      if (code === undefined) throw error;
      return stored && { ...stored, parsed: undefined, code };
    }
  }

  /** @param etag of the state that is replaced; `undefined` if there must be none */
  async write(id: string, state: JobState, etag: string | undefined): Promise<string> {
    const condition = etag === undefined ? ({ ifAbsent: true } as const) : { ifMatch: etag };
    const body = encodeState(state);
    try {
      const written = await this.#inTime(id, this.#storage.write(id, body, condition));
      return written.etag;
    } catch (error) {
      throw unwritten(id, error);
    }
  }

  remove(id: string, etag: string): Promise<void> {
    return this.#inTime(id, this.#storage.remove(id, etag));
  }

  list(): AsyncIterable<string> {
    return this.#storage.list();
  }

  #inTime<T>(id: string, answer: Promise<T>): Promise<T> {
    return answerWithin(this.#clock, { within: ANSWER_WITHIN, what: `the state of job ${id}` }, answer);
  }
}
