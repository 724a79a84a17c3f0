import type {
  FailBackInfo,
  CancelledMigration,
  ReplicateBackReport,
  MigrationReport,
  MigrationTarget,
  MigrateStoreOptions,
} from '@securestore/migrate';
import type { Job, JobContext, JobKind } from '@securestore/jobs';
import { startVolatile } from '@securestore/jobs';
import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, ObjectStore } from '@securestore/objects';
import { extensionsOf, openObjectStore, signalOf } from '@securestore/objects/internal';
import { AuditTrail } from '@securestore/audit/lazy';
import { OWNER } from '../options/audit-events.ts';
import { checkMigrateOptions, checkResealSettings } from '../options/check-options.ts';
import { backupConnect, connect, nameOfUrl } from './connect.ts';
import { loadBackup, loadMigrate } from './engines.ts';
import { namingPlace, whereItStands, withoutKey } from './migration-failure.ts';
import { anchorFor } from './open.ts';
import type { BackendOptions, OpenOptions } from '../options/options.ts';
import { refuseDestination } from './refuse-destination.ts';

/** How a store is opened that is to be moved. */
export interface MigrationOpenOptions
  extends
    CallOptions,
    BackendOptions,
    Pick<
      OpenOptions,
      'unlock' | 'fingerprint' | 'anchor' | 'acceptRollback' | 'trustOnFirstUse' | 'destinations' | 'logger' | 'clock'
    > {}

/** How a store is moved. */
export interface MigrateOptions
  extends MigrationOpenOptions, Pick<MigrateStoreOptions, 'partial' | 'copyOnly' | 'reencrypt'> {}

interface Opened {
  readonly store: ObjectStore;
  readonly signal: AbortSignal | undefined;
}

/** Opens a store for its migration: also a former source. */
async function opened<T>(
  url: string,
  options: MigrationOpenOptions,
  signal: AbortSignal | undefined,
  ignoreRedirect: boolean,
  body: (opened: Opened) => Promise<T>,
): Promise<T> {
  const { unlock, fingerprint, acceptRollback, trustOnFirstUse, logger, clock } = options;
  const name = nameOfUrl(url);
  const store = await openObjectStore({
    unlock,
    fingerprint,
    acceptRollback,
    trustOnFirstUse,
    logger,
    clock,
    backend: await connect(url, options, signal).catch((error: unknown) => {
      throw namingPlace(error, name);
    }),
    url: name,
    anchor: anchorFor(options.anchor, url),
    maintenance: false,
    ignoreRedirect,
    signal,
  });
  try {
    return await body({ store, signal });
  } finally {
    await store.close();
  }
}

/** Records the outcome of the migration in the audit log of a store, if it has one. */
async function recordedIn<T>({ store }: Opened, run: () => Promise<T>): Promise<T> {
  const { audit } = extensionsOf(store);
  if (audit.settings === undefined) return run();
  const trail = new AuditTrail(audit, {});
  return trail.recorder.attempt({ action: 'migrate', principal: OWNER, readOnly: false }, run);
}

type Progress = JobContext<unknown>['progress'];

/** Reports the progress of a job that another one waits for. */
async function forwarded<R>(job: Job<R>, progress: Progress, signal: AbortSignal): Promise<R> {
  const stop = (): void => job.cancel();
  signal.addEventListener('abort', stop, { once: true });
  const telling = (async () => {
    let [before, done, bytes] = ['', 0, 0];
    for await (const now of job.progress) {
      const { phase } = now;
      if (phase !== before) [before, done, bytes] = [phase, 0, 0];
      progress({
        phase,
        done: Math.max(0, now.done - done),
        bytes: Math.max(0, now.bytes - bytes),
        ...(now.total !== undefined && { total: now.total }),
      });
      ({ done, bytes } = now);
    }
  })();
  try {
    if (signal.aborted) stop();
    return await job;
  } finally {
    signal.removeEventListener('abort', stop);
    await telling;
  }
}

function started<R>(
  name: string,
  options: MigrationOpenOptions,
  run: (context: { readonly signal: AbortSignal; readonly progress: Progress }) => Promise<R>,
): Job<R> {
  const kind: JobKind<object, R> = {
    name,
    parse: () => ({}),
    run: ({ signal, progress }) => run({ signal, progress }),
  };
  return startVolatile(kind, {}, { signal: signalOf(options), clock: options.clock });
}

async function withTarget<T>(
  url: string,
  options: MigrationOpenOptions,
  signal: AbortSignal | undefined,
  body: (target: MigrationTarget) => Promise<T>,
): Promise<T> {
  const name = nameOfUrl(url);
  const place = await backupConnect(options, options.destinations)
    .connect(url, signal)
    .catch((error: unknown) => {
      throw namingPlace(error, name);
    });
  try {
    return await body({ ...place, anchor: anchorFor(options.anchor, url) });
  } catch (error) {
    // What exists already exists at this store URL.
    throw withoutKey(SecureStoreError.is(error, 'ALREADY_EXISTS') ? namingPlace(error, name) : error);
  } finally {
    await place.close();
  }
}

/**
 * Migrates a store to another store URL while it is in use: nothing is lost, and no caller waits for more than about a second. Processes that
 * allow it by `migrationTargets` continue there; others get the new store URL. Migrating it back only copies what has changed since.
 *
 * The same call resumes an interrupted migration. With an `anchor` the store is remembered at its new URL from then on.
 *
 * The job rejects with `NOT_FOUND` if no store is at `from`; `ALREADY_EXISTS` if `to` is not empty, or is a destination of the store;
 * `UNSUPPORTED` if `to` can't hold a store, or, without `reencrypt`, not each body of this one; `INVALID_ARGUMENT` if both are the same, or one is
 * in the folder of the other; `LOCKED` if another process migrates the store, or it is being rotated or restored, or re-encrypted with other
 * settings than `reencrypt` says; `UNLOCK_FAILED`, also if the unlock secret of `reencrypt` is not the one with which that began, or has ended;
 * `FORMAT_VERSION`, `INTEGRITY`; and what the backends throw. The store is at the source then.
 */
export function migrateStore(from: string, to: string, options: MigrateOptions): Job<MigrationReport> {
  checkMigrateOptions(options, ['partial', 'copyOnly', 'reencrypt']);
  if (options.reencrypt !== undefined) checkResealSettings(options.reencrypt);
  // Before anything is opened: an invalid store URL is the caller's mistake.
  nameOfUrl(from);
  nameOfUrl(to);
  return started('migrate-store', options, ({ signal, progress }) =>
    opened(from, options, signal, true, async (source) => {
      const { partial, copyOnly, reencrypt } = options;
      let report: MigrationReport;
      try {
        report = await withTarget(to, options, signal, async (target) => {
          await refuseDestination(source.store, to, target);
          const { migrateObjectStore } = await loadMigrate();
          return forwarded(
            migrateObjectStore(source.store, target, { partial, copyOnly, reencrypt, signal }),
            progress,
            signal,
          );
        });
      } catch (error) {
        const failure = await whereItStands(source.store, to, error);
        return recordedIn(source, () => Promise.reject(failure));
      }
      const tell = (where: Opened): Promise<MigrationReport> => recordedIn(where, async () => report);
      // A re-encrypted store has no part of this log.
      if (!report.migrated || reencrypt !== undefined) return tell(source);
      const { audit, backup, migration } = extensionsOf(source.store);
      const isAudited = audit.settings !== undefined;
      const { hasDestinations, rememberMigration } = await loadBackup();
      if (!isAudited && !hasDestinations(backup.destinations)) return report;
      // The log of the source is not read any more.
      return openedThere(to, options, signal, async (target) => {
        // The store has migrated, also if this fails: then the next backup takes the destination over.
        await rememberMigration(target.store, migration.head, signal).catch(() => undefined);
        return tell(target);
      }).catch((error: unknown) => {
        if (isAudited) throw error;
        return report;
      });
    }),
  );
}

/** Opens the store at the target. */
function openedThere<T>(
  to: string,
  { unlock, fingerprint, backends, resolveFrom, discovery, destinations, logger, clock }: MigrateOptions,
  signal: AbortSignal,
  body: (opened: Opened) => Promise<T>,
): Promise<T> {
  const own = destinations?.[to] ?? destinations?.[nameOfUrl(to)] ?? {};
  return opened(
    to,
    { unlock, fingerprint, backends, resolveFrom, discovery, logger, clock, ...own },
    signal,
    false,
    body,
  );
}

/**
 * Replicates the changes of a store that has moved back to its former source, until it is cancelled: then moving it back takes a moment.
 * Without it, the journal of the store keeps the changes for that for seven days. It ends by itself once the store moves back there.
 *
 * The job rejects with `INVALID_ARGUMENT` if the store did not move from `old` to `url`; and what opening it throws.
 */
export function replicateBack(url: string, old: string, options: MigrationOpenOptions): Job<ReplicateBackReport> {
  checkMigrateOptions(options);
  return started('replicate-back', options, ({ signal, progress }) =>
    opened(url, options, signal, false, ({ store }) =>
      withTarget(old, options, signal, async (target) => {
        const { replicateStoreBack } = await loadMigrate();
        return forwarded(replicateStoreBack(store, target), progress, signal);
      }),
    ),
  );
}

/**
 * Cancels a migration: the store stays at the source. The copy stays at the target. A store that has left already, but was not opened at the
 * target since the process that migrated it died, is opened again at `url`.
 *
 * @param url the source
 * @returns the source and the target, which has the copy
 * @throws SecureStoreError `NOT_FOUND` if it is not being migrated; `CONFLICT` if it has moved already; `LOCKED` if another process migrates it; what
 *   the backend of the target throws
 */
export async function cancelMigration(url: string, options: MigrationOpenOptions): Promise<CancelledMigration> {
  checkMigrateOptions(options);
  return opened(url, options, signalOf(options), true, (source) =>
    recordedIn(source, async () => {
      const { cancelMigration: cancel } = await loadMigrate();
      return cancel(source.store, (to, look) => withTarget(to, options, source.signal, look), source.signal);
    }),
  );
}

/** How a store is opened again at its former source. */
export interface FailBackOptions extends MigrationOpenOptions {
  /** Called with what would be opened, once it is known that nothing prevents it, and awaited. What it throws ends the call, and nothing is changed. */
  readonly beforeFailBack?: ((found: FailBackInfo) => void | PromiseLike<void>) | undefined;
}

/** The result of opening a store again at its former source. */
export interface FailBackReport {
  /** Its URL now, as it was when it moved away. */
  readonly source: string;
  /** The URL of the lost target, with everything that was written there. */
  readonly lost: string;
}

/**
 * Opens a store again at its former source, as it was when it moved away: for when the target that it has moved to is lost. What was
 * written there is lost with it. Processes that had it open there must open it here again.
 *
 * The caller decides that the target is lost: this only checks whether it answers and has the store. If it comes back later, remove it.
 *
 * @param url the former source
 * @throws SecureStoreError `NOT_FOUND` if it has not left it; `CONFLICT` if it is at the target after all, or moved on from there;
 *   `LOCKED` while another process migrates it;
 *   `ACCESS_DENIED` for a member; and what opening it throws
 */
export async function failBack(url: string, options: FailBackOptions): Promise<FailBackReport> {
  checkMigrateOptions(options, ['beforeFailBack']);
  const { beforeFailBack } = options;
  return opened(url, options, signalOf(options), true, (source) =>
    recordedIn(source, async () => {
      const { store, signal } = source;
      const { failBackStore } = await loadMigrate();
      const lost = await failBackStore(
        store,
        (to, look) => withTarget(to, options, signal, look),
        beforeFailBack,
        signal,
      );
      return { source: store.url, lost };
    }),
  );
}

/**
 * Finalizes a migration: changes are not kept for the way back any more, and the former source can be removed.
 *
 * @param url its present URL
 * @returns whether changes were kept
 */
export async function finalizeMigration(url: string, options: MigrationOpenOptions): Promise<boolean> {
  checkMigrateOptions(options);
  return opened(url, options, signalOf(options), false, (source) =>
    recordedIn(source, async () => {
      const { finalizeStoreMigration } = await loadMigrate();
      return finalizeStoreMigration(source.store, source.signal);
    }),
  );
}
