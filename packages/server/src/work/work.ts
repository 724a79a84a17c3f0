import { randomBytes } from 'node:crypto';
import type { StoreAction } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { Problem, WorkRecord } from '@securestore/protocol';
import { toProblem } from '@securestore/protocol';
import type { Job, JobProgress, Session } from 'securestore';
import { mayListNamed, withListedNames } from './reported-names.ts';

/** How long what came of work is kept, in milliseconds, and of how much of one caller, and in all. */
export const KEPT_FOR: number = 24 * 60 * 60 * 1000;
export const MAX_EACH = 50;
export const MAX_RECORDS = 2000;
/** The same by their length as JSON, in bytes. */
export const MAX_BYTES_EACH: number = 8 * 1024 * 1024;
export const MAX_BYTES: number = 64 * 1024 * 1024;
/** So many items of each list in a report are kept, as far as all of them together are no longer than this. */
const MAX_LISTED = 1000;
const MAX_LISTED_BYTES: number = 1024 * 1024;

/** What is known of work when it is started. */
export interface WorkStart {
  /** Who has started it. */
  readonly principal: string;
  /** What it took, and reading its report takes. */
  readonly action: StoreAction;
  readonly route: string;
  /** The body of the request, if it holds no secret. */
  readonly asked?: unknown;
}

/** Work that was started over this server. */
export interface WorkEntry extends WorkStart {
  readonly id: string;
  readonly job: Job<unknown>;
  /** In milliseconds since 1970. */
  readonly started: number;
  ended?: number;
  progress?: JobProgress;
  report?: unknown;
  error?: Problem;
  /** Of what is kept of it, in bytes. */
  size: number;
}

function sizeOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value) ?? '');
}

function bytesOf(entries: Iterable<WorkEntry>): number {
  return Array.from(entries).reduce((sum, one) => sum + one.size, 0);
}

/** A report with lists of limited length. */
function bounded(report: unknown): unknown {
  if (typeof report !== 'object' || report === null) return report;
  let left = MAX_LISTED_BYTES;
  const fits = (item: unknown): boolean => (left -= sizeOf(item) + 1) >= 0;
  return Object.fromEntries(
    Object.entries(report).map(([name, value]: [string, unknown]) => {
      if (!Array.isArray(value)) return [name, value];
      const end = value.slice(0, MAX_LISTED).findIndex((item) => !fits(item));
      return [name, value.slice(0, end === -1 ? MAX_LISTED : end)];
    }),
  );
}

/**
 * The results of work that callers started over this server, each kept for its caller for a day at most. They are lost
 * when the process ends. The work itself is not: the list of jobs has it.
 */
export class Work {
  readonly #clock: Pick<Clock, 'now'>;
  /** The oldest first. */
  readonly #entries = new Map<string, WorkEntry>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  add(job: Job<unknown>, start: WorkStart): WorkEntry {
    const id = randomBytes(12).toString('base64url');
    const entry: WorkEntry = { ...start, id, job, started: this.#clock.now(), size: sizeOf(start.asked) };
    this.#entries.set(entry.id, entry);
    this.#makeRoom(start.principal);
    void this.#watch(entry);
    return entry;
  }

  async #watch(entry: WorkEntry): Promise<void> {
    const { job } = entry;
    const following = this.#follow(entry);
    try {
      entry.report = bounded(await job);
    } catch (error) {
      // Where it is refused before it begins there is nothing to come back to.
      if (entry.progress === undefined) this.#entries.delete(entry.id);
      entry.error = toProblem(error);
    }
    entry.ended = this.#clock.now();
    entry.size += sizeOf(entry.report) + sizeOf(entry.error);
    this.#makeRoom(entry.principal);
    await following;
  }

  async #follow(entry: WorkEntry): Promise<void> {
    try {
      for await (const progress of entry.job.progress) entry.progress = progress;
    } catch {
      // The job itself says why.
    }
  }

  #makeRoom(principal: string): void {
    const now = this.#clock.now();
    for (const { id, ended = now } of this.#entries.values()) if (now - ended > KEPT_FOR) this.#entries.delete(id);
    const ended = [...this.#entries.values()].filter((one) => one.ended !== undefined);
    const own = ended.filter((one) => one.principal === principal);
    let [bytes, all, count] = [bytesOf(own), bytesOf(this.#entries.values()), own.length];
    const forget = ({ id, size }: WorkEntry): void => {
      if (this.#entries.delete(id)) all -= size;
    };
    const isFull = (): boolean => this.#entries.size > MAX_RECORDS || all > MAX_BYTES;
    for (const one of own) {
      // The newest is what they have come for.
      if (count === 1 || !(count > MAX_EACH || bytes > MAX_BYTES_EACH || isFull())) break;
      forget(one);
      bytes -= one.size;
      count -= 1;
    }
    for (const one of ended) if (isFull()) forget(one);
  }

  /** The same work that a caller has running. */
  underWay({ principal, route, asked }: Pick<WorkStart, 'principal' | 'route' | 'asked'>): WorkEntry | undefined {
    const same = JSON.stringify(asked);
    return this.of(principal).find(
      (one) => one.ended === undefined && one.route === route && JSON.stringify(one.asked) === same,
    );
  }

  /** The work that a caller has started, the newest first. */
  of(principal: string): WorkEntry[] {
    this.#makeRoom(principal);
    return [...this.#entries.values()].filter((one) => one.principal === principal).toReversed();
  }

  /** @throws SecureStoreError `NOT_FOUND`, also for what others have started */
  find(id: string, principal: string): WorkEntry {
    const found = this.of(principal).find((one) => one.id === id);
    if (found !== undefined) return found;
    throw new SecureStoreError(
      'NOT_FOUND',
      `work ${JSON.stringify(id)} does not exist, or ended more than 24 hours ago`,
    );
  }

  /** Forgets what came of work. @throws SecureStoreError `NOT_FOUND`; `CONFLICT` while it is under way */
  forget(id: string, principal: string): void {
    const found = this.find(id, principal);
    if (found.ended === undefined) {
      throw new SecureStoreError('CONFLICT', 'the work is still running', {
        advice: [{ id: 'cancel-job', job: found.job.id }],
      });
    }
    this.#entries.delete(id);
  }
}

/** Whether the session may still do such work: the outcome is for no one else. */
export async function mayRead({ action }: WorkEntry, session: Session): Promise<boolean> {
  return (await session.permission(action)) !== 'denied';
}

/** Whether all of a failure may be reported to the session; a denial concerns the caller alone, and says so. */
async function mayReadError(
  entry: WorkEntry,
  error: Pick<Problem, 'code' | 'key' | 'advice'>,
  session: Session,
): Promise<boolean> {
  if (error.code === 'ACCESS_DENIED' && entry.progress === undefined) return true;
  return (await mayRead(entry, session)) && (await mayListNamed(error, session));
}

/** The result of work, if the session may still do such work. @throws SecureStoreError `ACCESS_DENIED`; why the work failed */
export async function resultFor(entry: WorkEntry, session: Session): Promise<unknown> {
  let report: unknown;
  try {
    report = await entry.job;
  } catch (error) {
    if (!SecureStoreError.is(error) || (await mayReadError(entry, error, session))) throw error;
    throw withoutDetails(error);
  }
  if (await mayRead(entry, session)) return withListedNames(report, session);
  const { action } = entry;
  throw new SecureStoreError('ACCESS_DENIED', `the result of this work takes the action "${action}"`, {
    advice: [{ id: 'ask-for-permission', action }],
  });
}

/** A record as it travels: its report if the session may still do such work. */
export async function recordFor(entry: WorkEntry, session: Session): Promise<WorkRecord> {
  const { id, job, route, asked, started, ended, progress, report, error } = entry;
  const isOpen = await mayRead(entry, session);
  const state = ended === undefined ? 'running' : error === undefined ? 'done' : 'failed';
  return {
    id,
    job: job.id,
    route,
    ...(isOpen && asked !== undefined && { asked }),
    state,
    started: new Date(started).toISOString(),
    ...(ended !== undefined && { ended: new Date(ended).toISOString() }),
    ...(progress !== undefined && { progress }),
    ...(isOpen && report !== undefined && { report: await withListedNames(report, session) }),
    ...(error !== undefined && {
      error: (await mayReadError(entry, error, session)) ? error : toProblem(withoutDetails(error)),
    }),
  };
}

/** A failure without the keys, the text and the advice that it has: all of them may name what the caller may not see. */
function withoutDetails({ code, retryable }: Pick<Problem, 'code' | 'retryable'>): SecureStoreError {
  return new SecureStoreError(code, 'the work failed', { retryable });
}
