import { SecureStoreError } from '@securestore/core-format';
import type { Instant, Job } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import { publishAuditEnd } from './audit/audit-settings.ts';
import { isCollectionDue } from './gc/job.ts';
import type { IsDue } from './gc/job.ts';
import type { Engine } from '../engine/engine.ts';
import type { StoreState } from '../head/store-state.ts';
import type { Logger } from '../api/types.ts';
import { bringAccess } from './keys/rekey-replicas.ts';
import { finishDestruction } from './keys/destroy-keys.ts';

/** How long after opening a store is looked after first, and how often then, in milliseconds. */
const FIRST_AFTER: number = 5 * 60 * 1000;
const EVERY: number = 60 * 60 * 1000;
/** How long after a destination was not reached it is tried again first, in milliseconds. */
const RETRY_AFTER: number = 60 * 1000;
const DAY: number = 24 * 60 * 60 * 1000;
/**
 * How long after one collection, by whatever process, the next one is due: a pass reads every record. Less than a day,
 * since it is looked for once an hour only.
 */
const COLLECT_AFTER: number = DAY - EVERY / 2;

/** Whether a key that seals new objects is older than the store says. @param now milliseconds since 1970 */
function isRotationDue({ head, keys }: StoreState, now: number): boolean {
  if (head.rotationDays === 0) return false;
  const oldest = now - head.rotationDays * DAY;
  return keys.versions.some(
    ({ kind, state, destroyAt, created }) =>
      kind === 'category' && state === 'primary' && destroyAt === 0 && created <= oldest,
  );
}

/** What is done for a store that stays open. */
export interface MaintenanceTasks {
  /** Makes new keys if `isDue` says so of the newest head. */
  readonly rotate: (isDue: (state: StoreState) => boolean) => Job<unknown>;
  /** Removes what nobody needs any more, if `isDue` says so. */
  readonly collect: (isDue: IsDue) => Job<unknown>;
}

async function lookAfterKeys(engine: Engine, { rotate }: MaintenanceTasks, signal: AbortSignal): Promise<void> {
  await finishDestruction(engine, signal);
  // Also what another process could not bring there, which has ended since.
  if (engine.copies.keeper !== undefined) await bringAccess(engine, signal);
  const isDue = (state: StoreState): boolean => isRotationDue(state, engine.clock.now());
  if (isDue(engine.monitor.state)) await rotate(isDue);
}

/**
 * Collects the store if that is due, which also lets consumers of the journal expire that have been silent for long.
 * If it failed, this process leaves it alone for as long as if it was done: others may be able to.
 */
function collector(engine: Engine, { collect }: MaintenanceTasks, signal: AbortSignal): () => Promise<void> {
  let failed: Instant | undefined;
  const isDue = (): Promise<boolean> => isCollectionDue(engine, COLLECT_AFTER, signal);
  return async () => {
    if (failed !== undefined && elapsedSince(failed, engine.clock) < COLLECT_AFTER) return;
    if (!(await isDue())) return;
    try {
      await collect(isDue);
    } catch (error) {
      if (!SecureStoreError.is(error, 'LOCKED')) failed = instant(engine.clock);
      throw error;
    }
  };
}

/** Sleeps without keeping the process alive. @returns whether to go on: `false` once `signal` aborts */
async function slept({ clock }: Engine, time: number, signal: AbortSignal): Promise<boolean> {
  const begun = instant(clock);
  try {
    await clock.sleep(time, signal, { ref: false });
  } catch {
    return false;
  }
  // A clock of a test may not sleep at all: nothing gets old on it, and this must not go round and round.
  return elapsedSince(begun, clock) >= time / 2;
}

/**
 * Tries again to bring to the destinations of backups what takes access away, if that failed: a minute later first, then at twice the
 * distance each time, up to an hour. Ends when `signal` aborts.
 */
export async function keepCopiesUp(engine: Engine, signal: AbortSignal): Promise<void> {
  let wait = RETRY_AFTER;
  for (let left = wait; ; left -= RETRY_AFTER) {
    if (!(await slept(engine, RETRY_AFTER, signal))) return;
    if (engine.copies.isBehind !== true) wait = left = RETRY_AFTER;
    if (engine.copies.isBehind !== true || left > RETRY_AFTER) continue;
    // It stays behind, and who asks is told of it.
    await bringAccess(engine, signal).catch(() => undefined);
    wait = Math.min(2 * wait, EVERY);
    left = wait + RETRY_AFTER;
  }
}

/**
 * Looks after a store that stays open: makes new keys when they are old, destroys those that were scheduled to be, and
 * collects if no process has for a day. Never keeps a process alive, and ends when `signal` aborts.
 */
export async function keepUp(
  engine: Engine,
  upkeep: MaintenanceTasks,
  signal: AbortSignal,
  logger: Logger | undefined,
): Promise<void> {
  const collectIfDue = collector(engine, upkeep, signal);
  for (let wait = FIRST_AFTER; ; wait = EVERY) {
    if (!(await slept(engine, wait, signal))) return;
    try {
      await lookAfterKeys(engine, upkeep, signal);
      await publishAuditEnd(engine, signal);
      await collectIfDue();
    } catch (error) {
      if (signal.aborted) return;
      // Another process does it, or does it the next time.
      if (SecureStoreError.is(error, 'LOCKED')) continue;
      const code = SecureStoreError.is(error) ? error.code : 'INTERNAL';
      logger?.warn({ code }, `the maintenance of the store failed. The next try follows in ${EVERY / 60_000} minutes.`);
    }
  }
}
