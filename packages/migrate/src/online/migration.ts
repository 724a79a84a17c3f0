import { MAX_PART_BYTES, SecureStoreError } from '@securestore/core-format';
import { assertStorable } from '@securestore/backend-api';
import type { BackendCapabilities } from '@securestore/backend-api';
import type { Job, JobKind } from '@securestore/jobs';
import type { CallOptions, ObjectStore } from '@securestore/objects';
import type { MigrationArea } from '@securestore/objects/internal';
import { extensionsOf, MIGRATION_JOB } from '@securestore/objects/internal';
import { NO_OPTIONS } from '@securestore/objects/surface';
import { readMovedHead } from './moved-head.ts';
import type { KeptReport } from './keep.ts';
import { keepOldSide } from './keep.ts';
import { CONSUMERS } from './migration-run.ts';
import { Move } from './move.ts';
import { Reseal } from './reseal.ts';
import type { ResealSettings } from './reseal-settings.ts';
import type { MigrationReport, MigrationTarget, MoveOptions } from './types.ts';

/** What whoever comes while a store is being moved is told. */
/** The error while another process moves the store. */
export function beingMoved(): SecureStoreError {
  return new SecureStoreError('LOCKED', 'another process is moving the store', {
    reason: 'job-running',
    advice: [
      { id: 'wait-for-job', job: MIGRATION_JOB },
      { id: 'cancel-job', job: MIGRATION_JOB },
    ],
  });
}

/** How a store is moved. */
export interface MoveStoreOptions extends MoveOptions {
  /**
   * Seals everything anew there, as another store: with an identity and keys of its own, so that nothing that opened or signed the old one
   * does anything there. The audit log, members and registered backups stay with the old one, API tokens have to be made anew, and no process follows.
   */
  readonly reseal?: ResealSettings | undefined;
}

/** Reaches a place for as long as `body` runs. */
export type Reach = <T>(location: string, body: (target: MigrationTarget) => Promise<T>) => Promise<T>;

/** Where to the head of the store says. */
type Parameters = object;

/** A migration that was given up. Locations are without credentials. */
export interface CancelledMigration {
  /** Where the store is. */
  readonly from: string;
  /** Where it was to move to; `undefined` where the head of the store does not tell. */
  readonly to: string | undefined;
}

const OPTIONS: ReadonlySet<string> = new Set(['partial', 'copyOnly', 'reseal']);

function checkOptions(options: MoveOptions): void {
  for (const name of ['partial', 'copyOnly'] as const) {
    if (options[name] === undefined || typeof options[name] === 'boolean') continue;
    throw new SecureStoreError('INVALID_ARGUMENT', `the option "${name}" must be true or false`);
  }
}

function migrationKind(
  store: ObjectStore,
  target: MigrationTarget,
  options: MoveStoreOptions,
): JobKind<Parameters, MigrationReport> {
  return {
    name: 'migration',
    parse: () => ({}),
    async run(context) {
      const area = extensionsOf(store).migration;
      const places = { from: store.location, to: target.location, target: target.backend };
      const { reseal } = options;
      const run =
        reseal === undefined
          ? new Move(area, places, options, context)
          : new Reseal(area, places, reseal, options, context);
      const report = await run.run();
      // It has moved, whatever comes of that; whoever opens it there remembers it too.
      if (report.moved) await area.rememberAt(target, run.sealedAnew, context.signal).catch(() => undefined);
      return report;
    },
  };
}

/**
 * Refuses a backend that does not hold every body that the store may have: bodies are copied as they are. No body of a store is larger
 * than a part.
 *
 * @throws SecureStoreError `UNSUPPORTED`
 */
function assertHoldsBodies({ maxBodyBytes: held }: BackendCapabilities, { backend, location }: MigrationTarget): void {
  const { maxBodyBytes } = backend.capabilities;
  if (maxBodyBytes >= Math.min(held, MAX_PART_BYTES)) return;
  throw new SecureStoreError(
    'UNSUPPORTED',
    `the backend of ${location} holds bodies of at most ${maxBodyBytes} bytes, and the store may have larger ones; ` +
      'move it with the option "reseal", which cuts them anew',
    { backend: backend.name },
  );
}

/**
 * Moves a store to another backend while it is in use: copies it, follows what changes, compares both sides, and closes the store for
 * less than a second to open it there. Whatever opens it at its old location from then on is told where it is, or follows.
 *
 * It is gone on with by the same call, after whatever interrupted it.
 *
 * The job rejects with `ALREADY_EXISTS` where something lies at the target, backups too; `UNSUPPORTED` where that can't hold a store, or,
 * without `reseal`, not each body of this one;
 * `INVALID_ARGUMENT` where it is where the store is, or in the folder of that or around it; `LOCKED` where the store is being moved by
 * another process, or elsewhere, or is being rotated or restored, or where it is being sealed anew as something else than `reseal` says;
 * `UNLOCK_FAILED` where the secret of `reseal` is not the one with which that was begun, or has ended; `ACCESS_DENIED` for a member;
 * `INTEGRITY` where the source is damaged at the moment of the move; and what the backends throw. Then the store is where
 * it was.
 *
 * @param store opened with `ignoreRedirect`
 */
export function moveStore(
  store: ObjectStore,
  target: MigrationTarget,
  options: MoveStoreOptions = {},
): Job<MigrationReport> {
  checkOptions(options);
  if (store.location === target.location) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the store is there already: choose another location to move it to');
  }
  assertStorable(target.backend.capabilities, target.backend.name);
  const area = extensionsOf(store).migration;
  if (options.reseal === undefined) assertHoldsBodies(area.capabilities, target);
  return area.runJob('migrate', options, OPTIONS, {
    kind: migrationKind(store, target, options),
    parameters: {},
    id: MIGRATION_JOB,
    // What is refused here leaves no job behind, which would be listed as unfinished.
    async before(signal) {
      await area.refresh(signal);
      await area.checkFree(target.backend, options.reseal !== undefined, signal);
    },
  });
}

/**
 * Goes on bringing what changes in a store that has moved to where it was, until it is cancelled: then moving back takes a moment, and
 * needs nothing but what has changed since. Without it, what changes is kept for that in the journal for seven days. It ends by itself once
 * the store moves back there.
 *
 * The job rejects with `INVALID_ARGUMENT` where `old` is not a place that this store has left; `ABORTED` once it is cancelled; and what the
 * backends throw.
 *
 * @param store where it is now
 */
export function keepInLine(store: ObjectStore, old: MigrationTarget, options: CallOptions = {}): Job<KeptReport> {
  const area = extensionsOf(store).migration;
  const kind: JobKind<Parameters, KeptReport> = {
    name: 'migration-back',
    parse: () => ({}),
    async run(context) {
      const { instance } = await readMovedHead(area, old, context.signal);
      return keepOldSide(area, old, instance, context);
    },
  };
  return area.runJob('migrate', options, NO_OPTIONS, { kind, parameters: {}, id: 'migration-back' });
}

/** Whether a migration has left a job that nobody is at. @throws SecureStoreError `LOCKED` if somebody is at it */
async function hasJob({ jobs }: ObjectStore, signal: AbortSignal | undefined): Promise<boolean> {
  const job = (await jobs.list({ signal })).find(({ id }) => id === MIGRATION_JOB);
  if (job?.state === 'running' || job?.state === 'cancelling') {
    throw beingMoved();
  }
  return job !== undefined;
}

/**
 * Gives up moving a store: it stays where it is, and can be rotated and restored again. What was copied stays where it was to move to. A store
 * that has left already, but that nobody has opened at its new place, is opened again where it was: nothing was written there.
 *
 * @param store opened with `ignoreRedirect`
 * @param reach reaches the place to which the store has left
 * @returns where it was to move to, and what was copied lies
 * @throws SecureStoreError `NOT_FOUND` where it is not being moved; `CONFLICT` where it has moved already; `LOCKED` where somebody is at it; what
 *   reaching the place throws
 */
export async function cancelMigration(
  store: ObjectStore,
  reach: Reach,
  signal?: AbortSignal,
): Promise<CancelledMigration> {
  const area = extensionsOf(store).migration;
  const isInterrupted = await hasJob(store, signal);
  const { state } = await area.refresh(signal);
  const to = placeIn(area);
  const isTakenBack = state === 'moved' && to !== undefined && (await withdraw(area, to, reach, signal));
  await (isTakenBack ? area.reclaim(signal) : area.cancel(signal));
  await area.unregister(CONSUMERS, signal);
  if (isInterrupted) await store.jobs.forget(MIGRATION_JOB, { signal });
  return { from: store.location, to };
}

/** Sees to it that nobody opens what has landed at a place. @returns whether nobody had opened it */
function withdraw(area: MigrationArea, to: string, reach: Reach, signal: AbortSignal | undefined): Promise<boolean> {
  return reach(to, ({ backend }) => area.withdrawUnopened(backend, signal));
}

/** Where a store is to move by its head; a head that does not tell can be given up all the same. */
function placeIn(area: MigrationArea): string | undefined {
  try {
    return area.movesTo;
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    return undefined;
  }
}

/** What a store would be that is opened again in a place that it has left. Locations are without credentials. */
export interface ReclaimableStore {
  /** Where it would be. */
  readonly from: string;
  /** Where it has moved to, and is not, or nobody has opened it. */
  readonly lost: string;
  /** When it moved. */
  readonly moved: Date;
  /** How many objects it had then, deleted ones included. */
  readonly objects: number;
}

/**
 * Opens a store again in a place that it has left, as it was then: for when the place that it has moved to is lost, with all that was
 * written there.
 *
 * @param store opened with `ignoreRedirect`
 * @param reach reaches the place that is lost, if anything does
 * @param before told what would be reclaimed, once it is known that nothing is in the way; what it throws ends this
 * @returns the location that is lost
 * @throws SecureStoreError `NOT_FOUND` where it has not moved; `CONFLICT` where it lies at that place after all; `LOCKED` while somebody is moving it;
 *   `ACCESS_DENIED` for a member
 */
export async function reclaimStore(
  store: ObjectStore,
  reach: Reach,
  before?: (found: ReclaimableStore) => void | PromiseLike<void>,
  signal?: AbortSignal,
): Promise<string> {
  const area = extensionsOf(store).migration;
  const { state, migration, time } = await area.refresh(signal);
  const { movesTo } = area;
  if (state !== 'moved' || movesTo === undefined) {
    throw new SecureStoreError('NOT_FOUND', 'the store has not moved from here');
  }
  const look = ({ backend }: MigrationTarget): ReturnType<MigrationArea['foundAt']> => area.foundAt(backend, signal);
  // Whoever says that a place is lost is believed, unless it answers.
  const found = await reach(movesTo, look).catch((error: unknown) => {
    signal?.throwIfAborted();
    if (SecureStoreError.is(error)) return 'nothing' as const;
    throw error;
  });
  if (found === 'left') {
    throw new SecureStoreError(
      'CONFLICT',
      `the store went on from ${movesTo} to another place: open it again there, where it is newer`,
    );
  }
  const anew = migration?.resealed === true ? ', sealed anew' : '';
  const message = `the store is at ${movesTo}${anew}: move it back, or go on with it there`;
  if (found === 'the store') throw new SecureStoreError('CONFLICT', message);
  if (found === 'unopened') await hasJob(store, signal);
  if (before !== undefined) {
    const objects = await extensionsOf(store).health.count(signal);
    await before({ from: store.location, lost: movesTo, moved: new Date(time), objects });
  }
  if (found === 'unopened' && !(await withdraw(area, movesTo, reach, signal))) {
    throw new SecureStoreError('CONFLICT', message);
  }
  await area.reclaim(signal);
  await area.unregister(CONSUMERS, signal);
  return movesTo;
}

/**
 * Ends that what changes in a store that has moved is kept for the way back: where it was can be removed then.
 *
 * @param store where it is now
 * @returns whether anything was kept
 */
export async function retireOldSide(store: ObjectStore, signal?: AbortSignal): Promise<boolean> {
  const area = extensionsOf(store).migration;
  const { movesTo } = area;
  if (movesTo !== undefined) {
    throw new SecureStoreError(
      'LOCKED',
      `the store is being moved to ${movesTo}, which needs what is kept: wait until it has moved, or cancel that first`,
    );
  }
  return (await area.unregister(CONSUMERS, signal)) > 0;
}
