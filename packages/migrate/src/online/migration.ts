import { MAX_PART_BYTES, SecureStoreError } from '@securestore/core-format';
import { assertStorable } from '@securestore/backend-api';
import type { BackendCapabilities } from '@securestore/backend-api';
import type { Job, JobKind } from '@securestore/jobs';
import type { CallOptions, ObjectStore } from '@securestore/objects';
import type { MigrationArea } from '@securestore/objects/internal';
import { extensionsOf, MIGRATION_JOB } from '@securestore/objects/internal';
import { NO_OPTIONS } from '@securestore/objects/surface';
import { readMovedHead } from './moved-head.ts';
import type { ReplicateBackReport } from './keep.ts';
import { replicateChangesBack } from './keep.ts';
import { CONSUMERS } from './migration-run.ts';
import { Move } from './move.ts';
import { Reseal } from './reseal.ts';
import type { ReencryptSettings } from './reseal-settings.ts';
import type { MigrationReport, MigrationTarget, CopyStoreOptions } from './types.ts';

/** The error while another process migrates the store. */
export function migrationRunning(): SecureStoreError {
  return new SecureStoreError('LOCKED', 'another process is migrating the store', {
    reason: 'job-running',
    advice: [
      { id: 'wait-for-job', job: MIGRATION_JOB },
      { id: 'cancel-job', job: MIGRATION_JOB },
    ],
  });
}

/** How a store is migrated. */
export interface MigrateStoreOptions extends CopyStoreOptions {
  /**
   * Re-encrypts everything for the target, as another store: with its own identity and encryption keys, so that nothing that opened or signed
   * the source has any effect there. The audit log, members and registered backups stay with the source, API tokens must be created again, and no
   * process follows.
   */
  readonly reencrypt?: ReencryptSettings | undefined;
}

/** Connects to a store URL as long as `body` runs. */
export type Reach = <T>(url: string, body: (target: MigrationTarget) => Promise<T>) => Promise<T>;

/** The head of the store has the target. */
type Parameters = object;

/** A migration that was cancelled. Store URLs are without credentials. */
export interface CancelledMigration {
  /** The source, where the store is. */
  readonly source: string;
  /** The target; `undefined` if the head of the store does not show it. */
  readonly target: string | undefined;
}

const OPTIONS: ReadonlySet<string> = new Set(['partial', 'copyOnly', 'reencrypt']);

function checkOptions(options: CopyStoreOptions): void {
  for (const name of ['partial', 'copyOnly'] as const) {
    if (options[name] === undefined || typeof options[name] === 'boolean') continue;
    throw new SecureStoreError('INVALID_ARGUMENT', `the option "${name}" must be true or false`, { option: name });
  }
}

function migrationKind(
  store: ObjectStore,
  target: MigrationTarget,
  options: MigrateStoreOptions,
): JobKind<Parameters, MigrationReport> {
  return {
    name: 'migration',
    parse: () => ({}),
    async run(context) {
      const area = extensionsOf(store).migration;
      const places = { from: store.url, to: target.url, target: target.backend };
      const { reencrypt } = options;
      const run =
        reencrypt === undefined
          ? new Move(area, places, options, context)
          : new Reseal(area, places, reencrypt, options, context);
      const report = await run.run();
      // It has moved, also if this fails; the next process that opens it there remembers it, too.
      if (report.migrated) await area.rememberAt(target, run.sealedAnew, context.signal).catch(() => undefined);
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
function assertHoldsBodies({ maxBodyBytes: held }: BackendCapabilities, { backend, url }: MigrationTarget): void {
  const { maxBodyBytes } = backend.capabilities;
  if (maxBodyBytes >= Math.min(held, MAX_PART_BYTES)) return;
  throw new SecureStoreError(
    'UNSUPPORTED',
    `the backend of ${url} holds at most ${maxBodyBytes} bytes in one body, and the store may have larger ones`,
    { backend: backend.name, advice: [{ id: 'migrate-reencrypted' }, { id: 'choose-store-url' }] },
  );
}

/**
 * Migrates a store to another backend while it is in use: copies it, applies changes, compares both sides, and closes the store for
 * less than a second to open it at the target. Processes that open it at the source from then on get its new URL, or follow.
 *
 * The same call resumes an interrupted migration.
 *
 * The job rejects with `ALREADY_EXISTS` if the target is not empty, also if it has backups; `UNSUPPORTED` if it can't hold a store, or,
 * without `reencrypt`, not each body of this one;
 * `INVALID_ARGUMENT` if it is the source, or in the folder of that or around it; `LOCKED` if another process migrates the store, or it
 * is migrated to another target, or is being rotated or restored, or is being re-encrypted with other settings than `reencrypt` says;
 * `UNLOCK_FAILED` if the unlock secret of `reencrypt` is not the one with which that began, or has ended; `ACCESS_DENIED` for a member;
 * `INTEGRITY` if the source is damaged at the moment of the move; and what the backends throw. Then the store is at the
 * source.
 *
 * @param store opened with `ignoreRedirect`
 */
export function migrateObjectStore(
  store: ObjectStore,
  target: MigrationTarget,
  options: MigrateStoreOptions = {},
): Job<MigrationReport> {
  checkOptions(options);
  if (store.url === target.url) {
    throw new SecureStoreError('INVALID_ARGUMENT', `the source and the target are the same: ${target.url}`, {
      advice: [{ id: 'choose-store-url' }],
    });
  }
  assertStorable(target.backend.capabilities, target.backend.name);
  const area = extensionsOf(store).migration;
  if (options.reencrypt === undefined) assertHoldsBodies(area.capabilities, target);
  return area.runJob('migrate', options, OPTIONS, {
    kind: migrationKind(store, target, options),
    parameters: {},
    id: MIGRATION_JOB,
    // A migration that is refused here leaves no unfinished job behind.
    async before(signal) {
      await area.refresh(signal);
      await area.checkFree(target.backend, options.reencrypt !== undefined, signal);
    },
  });
}

/**
 * Replicates the changes of a store that has moved back to its former source, until it is cancelled: then moving back takes a moment, and
 * only needs what has changed since. Without it, the journal keeps the changes for that for seven days. It ends by itself once the store
 * moves back there.
 *
 * The job rejects with `INVALID_ARGUMENT` if `old` is not a former source of this store; `ABORTED` once it is cancelled; and what the
 * backends throw.
 *
 * @param store at its present URL
 */
export function replicateStoreBack(
  store: ObjectStore,
  old: MigrationTarget,
  options: CallOptions = {},
): Job<ReplicateBackReport> {
  const area = extensionsOf(store).migration;
  const kind: JobKind<Parameters, ReplicateBackReport> = {
    name: 'migration-back',
    parse: () => ({}),
    async run(context) {
      const { instance } = await readMovedHead(area, old, context.signal);
      return replicateChangesBack(area, old, instance, context);
    },
  };
  return area.runJob('migrate', options, NO_OPTIONS, { kind, parameters: {}, id: 'migration-back' });
}

/** Whether a migration has left an interrupted job. @throws SecureStoreError `LOCKED` if another process runs it */
async function hasJob({ jobs }: ObjectStore, signal: AbortSignal | undefined): Promise<boolean> {
  const job = (await jobs.list({ signal })).find(({ id }) => id === MIGRATION_JOB);
  if (job?.state === 'running' || job?.state === 'cancelling') {
    throw migrationRunning();
  }
  return job !== undefined;
}

/**
 * Cancels a migration: the store stays at the source, and can be rotated and restored again. The copy stays at the target. A store that has
 * left already, but was not opened at the target yet, is opened again at the source: nothing was written at the target.
 *
 * @param store opened with `ignoreRedirect`
 * @param reach connects to the target
 * @returns the source and the target, which has the copy
 * @throws SecureStoreError `NOT_FOUND` if the store is not being migrated; `CONFLICT` if it has moved already; `LOCKED` if another process migrates
 *   it; what connecting throws
 */
export async function cancelMigration(
  store: ObjectStore,
  reach: Reach,
  signal?: AbortSignal,
): Promise<CancelledMigration> {
  const area = extensionsOf(store).migration;
  const isInterrupted = await hasJob(store, signal);
  const { state } = await area.refresh(signal);
  const target = placeIn(area);
  const isTakenBack = state === 'moved' && target !== undefined && (await withdraw(area, target, reach, signal));
  await (isTakenBack ? area.reclaim(signal) : area.cancel(signal));
  await area.unregister(CONSUMERS, signal);
  if (isInterrupted) await store.jobs.forget(MIGRATION_JOB, { signal });
  return { source: store.url, target };
}

/** Makes sure that the copy at a store URL is never opened. @returns whether it had not been opened */
function withdraw(area: MigrationArea, to: string, reach: Reach, signal: AbortSignal | undefined): Promise<boolean> {
  return reach(to, ({ backend }) => area.withdrawUnopened(backend, signal));
}

/** The target of a migration, from the head of the store; a migration whose head does not show it can still be cancelled. */
function placeIn(area: MigrationArea): string | undefined {
  try {
    return area.movesTo;
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    return undefined;
  }
}

/** What a store would be that is opened again at its former source. Store URLs are without credentials. */
export interface FailBackInfo {
  /** The former source, where it would be. */
  readonly source: string;
  /** Where it has moved to, and is not, or was not opened. */
  readonly lost: string;
  /** When it moved. */
  readonly migrated: Date;
  /** How many objects it had then, deleted ones included. */
  readonly objects: number;
}

/**
 * Opens a store again at its former source, as it was then: for when the target that it has moved to is lost, with everything that was
 * written there.
 *
 * @param store opened with `ignoreRedirect`
 * @param reach connects to the lost target, if it answers
 * @param before called with what would be opened, once it is known that nothing prevents it; what it throws ends this
 * @returns the URL of the lost target
 * @throws SecureStoreError `NOT_FOUND` if it has not moved; `CONFLICT` if it is at the target after all; `LOCKED` while another process migrates it;
 *   `ACCESS_DENIED` for a member
 */
export async function failBackStore(
  store: ObjectStore,
  reach: Reach,
  before?: (found: FailBackInfo) => void | PromiseLike<void>,
  signal?: AbortSignal,
): Promise<string> {
  const area = extensionsOf(store).migration;
  const { state, migration, time } = await area.refresh(signal);
  const { movesTo } = area;
  if (state !== 'moved' || movesTo === undefined) {
    throw new SecureStoreError('NOT_FOUND', `the store has not moved away from ${store.url}`);
  }
  const look = ({ backend }: MigrationTarget): ReturnType<MigrationArea['foundAt']> => area.foundAt(backend, signal);
  // The caller decides that the target is lost, unless it answers.
  const found = await reach(movesTo, look).catch((error: unknown) => {
    signal?.throwIfAborted();
    if (SecureStoreError.is(error)) return 'nothing' as const;
    throw error;
  });
  if (found === 'left') {
    throw new SecureStoreError(
      'CONFLICT',
      `the store has moved on from ${movesTo} to another store URL, where it is newer`,
      { advice: [{ id: 'open-at', url: movesTo }] },
    );
  }
  const how = migration?.resealed === true ? ', re-encrypted' : '';
  const isOpenThere = (): SecureStoreError =>
    new SecureStoreError('CONFLICT', `the store is at ${movesTo}${how}. It was not opened again at ${store.url}.`, {
      advice: [{ id: 'open-at', url: movesTo }],
    });
  if (found === 'the store') throw isOpenThere();
  if (found === 'unopened') await hasJob(store, signal);
  if (before !== undefined) {
    const objects = await extensionsOf(store).health.count(signal);
    await before({ source: store.url, lost: movesTo, migrated: new Date(time), objects });
  }
  if (found === 'unopened' && !(await withdraw(area, movesTo, reach, signal))) {
    throw isOpenThere();
  }
  await area.reclaim(signal);
  await area.unregister(CONSUMERS, signal);
  return movesTo;
}

/**
 * Finalizes a migration: the changes of the store are not kept for the way back any more, and the former source can be removed.
 *
 * @param store at its present URL
 * @returns whether changes were kept
 */
export async function finalizeStoreMigration(store: ObjectStore, signal?: AbortSignal): Promise<boolean> {
  const area = extensionsOf(store).migration;
  const { movesTo } = area;
  if (movesTo !== undefined) {
    throw new SecureStoreError('LOCKED', `the store is being migrated to ${movesTo}, which needs its kept changes`, {
      reason: 'migrating',
      advice: [
        { id: 'resume-migration', source: store.url, target: movesTo },
        { id: 'cancel-migration', source: store.url },
      ],
    });
  }
  return (await area.unregister(CONSUMERS, signal)) > 0;
}
