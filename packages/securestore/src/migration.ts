import type {
  ReclaimableStore,
  CancelledMigration,
  KeptReport,
  MigrationReport,
  MigrationTarget,
  MoveStoreOptions,
} from '@securestore/migrate';
import {
  cancelMigration as cancel,
  keepInLine,
  moveStore,
  reclaimStore as reclaim,
  retireOldSide,
} from '@securestore/migrate';
import type { Job, JobContext, JobKind } from '@securestore/jobs';
import { startVolatile } from '@securestore/jobs';
import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, ObjectStore } from '@securestore/objects';
import { openObjectStore } from '@securestore/objects';
import { extensionsOf, signalOf } from '@securestore/objects/internal';
import { AuditTrail } from '@securestore/audit';
import { ROOT } from './audit-events.ts';
import { checkMigrateOptions, checkResealSettings } from './check-options.ts';
import { backupConnect, connect, nameOfLocation } from './connect.ts';
import { namingPlace, whereItStands, withoutKey } from './migration-failure.ts';
import { anchorFor } from './open.ts';
import type { BackendOptions, OpenOptions } from './options.ts';
import { refuseDestination } from './refuse-destination.ts';

/** How a store is opened that is to be moved. */
export interface MigrationOpenOptions
  extends
    CallOptions,
    BackendOptions,
    Pick<
      OpenOptions,
      'unlock' | 'fingerprint' | 'anchor' | 'acceptHead' | 'trustOnFirstUse' | 'destinations' | 'logger' | 'clock'
    > {}

/** How a store is moved. */
export interface MigrateOptions
  extends MigrationOpenOptions, Pick<MoveStoreOptions, 'partial' | 'copyOnly' | 'reseal'> {}

interface Opened {
  readonly store: ObjectStore;
  readonly signal: AbortSignal | undefined;
}

/** Opens a store for whoever moves it: also what one has left behind. */
async function opened<T>(
  location: string,
  options: MigrationOpenOptions,
  signal: AbortSignal | undefined,
  ignoreRedirect: boolean,
  body: (opened: Opened) => Promise<T>,
): Promise<T> {
  const { unlock, fingerprint, acceptHead, trustOnFirstUse, logger, clock } = options;
  const name = nameOfLocation(location);
  const store = await openObjectStore({
    unlock,
    fingerprint,
    acceptHead,
    trustOnFirstUse,
    logger,
    clock,
    backend: await connect(location, options, signal).catch((error: unknown) => {
      throw namingPlace(error, name);
    }),
    location: name,
    anchor: anchorFor(options.anchor, location),
    upkeep: false,
    ignoreRedirect,
    signal,
  });
  try {
    return await body({ store, signal });
  } finally {
    await store.close();
  }
}

/** Has the audit log of a store, where it has one, say what became of the migration. */
async function recordedIn<T>({ store }: Opened, run: () => Promise<T>): Promise<T> {
  const { audit } = extensionsOf(store);
  if (audit.settings === undefined) return run();
  const trail = new AuditTrail(audit, {});
  return trail.recorder.attempt({ action: 'migrate', principal: ROOT, readOnly: false }, run);
}

type Progress = JobContext<unknown>['progress'];

/** Tells of the progress of a job that another one waits for. */
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
  location: string,
  options: MigrationOpenOptions,
  signal: AbortSignal | undefined,
  body: (target: MigrationTarget) => Promise<T>,
): Promise<T> {
  const name = nameOfLocation(location);
  const place = await backupConnect(options, options.destinations)
    .connect(location, signal)
    .catch((error: unknown) => {
      throw namingPlace(error, name);
    });
  try {
    return await body({ ...place, anchor: anchorFor(options.anchor, location) });
  } catch (error) {
    // What is in the way is in the way there.
    throw withoutKey(SecureStoreError.is(error, 'ALREADY_EXISTS') ? namingPlace(error, name) : error);
  } finally {
    await place.close();
  }
}

/**
 * Moves a store to another location while it is in use: nothing is lost, and nobody waits for more than about a second. Processes that
 * allow it by `follow` go on there by themselves; others are told where the store is. Moving it back takes only what has changed since.
 *
 * What was interrupted is gone on with by the same call. With an `anchor` the store is remembered at its new place from then on.
 *
 * The job rejects with `NOT_FOUND` where no store is at `from`; `ALREADY_EXISTS` where something lies at `to`, or the store is backed up there; `UNSUPPORTED` where that can't hold a
 * store, or, without `reseal`, not each body of this one; `INVALID_ARGUMENT` where both are the same, or one lies in the folder of the other; `LOCKED` where the store is being moved by somebody else, or is being rotated or
 * restored, or where it is being sealed anew as something else than `reseal` says; `UNLOCK_FAILED`, also where the secret of `reseal` is not the one
 * with which that was begun, or has ended; `FORMAT_VERSION`, `INTEGRITY`; and what the backends throw. The store is where it was then.
 */
export function migrateStore(from: string, to: string, options: MigrateOptions): Job<MigrationReport> {
  checkMigrateOptions(options, ['partial', 'copyOnly', 'reseal']);
  if (options.reseal !== undefined) checkResealSettings(options.reseal);
  // Before anything is opened: a location that is none is the caller's mistake.
  nameOfLocation(from);
  nameOfLocation(to);
  return started('migrate-store', options, ({ signal, progress }) =>
    opened(from, options, signal, true, async (source) => {
      const { partial, copyOnly, reseal } = options;
      let report: MigrationReport;
      try {
        report = await withTarget(to, options, signal, async (target) => {
          await refuseDestination(source.store, to, target);
          return forwarded(moveStore(source.store, target, { partial, copyOnly, reseal, signal }), progress, signal);
        });
      } catch (error) {
        const failure = await whereItStands(source.store, to, error);
        return recordedIn(source, () => Promise.reject(failure));
      }
      const tell = (where: Opened): Promise<MigrationReport> => recordedIn(where, async () => report);
      // What was sealed anew has no part of this log.
      if (!report.moved || reseal !== undefined) return tell(source);
      // Where it was nobody looks any more.
      return extensionsOf(source.store).audit.settings === undefined ? report : openedThere(to, options, signal, tell);
    }),
  );
}

/** Opens the store where it has moved to. */
function openedThere<T>(
  to: string,
  { unlock, fingerprint, backends, resolveFrom, discovery, destinations, logger, clock }: MigrateOptions,
  signal: AbortSignal,
  body: (opened: Opened) => Promise<T>,
): Promise<T> {
  const own = destinations?.[to] ?? destinations?.[nameOfLocation(to)] ?? {};
  return opened(
    to,
    { unlock, fingerprint, backends, resolveFrom, discovery, logger, clock, ...own },
    signal,
    false,
    body,
  );
}

/**
 * Goes on bringing what changes in a store that has moved to where it was, until it is cancelled: then moving it back takes a moment.
 * Without it, what changes is kept for that in the journal of the store for seven days. It ends by itself once the store moves back there.
 *
 * The job rejects with `INVALID_ARGUMENT` where the store did not move from `old` to `location`; and what opening it throws.
 */
export function keepOldSide(location: string, old: string, options: MigrationOpenOptions): Job<KeptReport> {
  checkMigrateOptions(options);
  return started('keep-old-side', options, ({ signal, progress }) =>
    opened(location, options, signal, false, ({ store }) =>
      withTarget(old, options, signal, (target) => forwarded(keepInLine(store, target), progress, signal)),
    ),
  );
}

/**
 * Gives up moving a store: it stays where it is. What was copied stays where it was to move to. A store that has left already, but that nobody
 * has opened at its new place since whoever moved it died, is opened again at `location`.
 *
 * @param location where it moves from
 * @returns where it was to move to, and what was copied lies
 * @throws SecureStoreError `NOT_FOUND` where it is not being moved; `CONFLICT` where it has moved already; `LOCKED` where somebody is at it; what
 *   the backend of the new place throws
 */
export async function cancelMigration(location: string, options: MigrationOpenOptions): Promise<CancelledMigration> {
  checkMigrateOptions(options);
  return opened(location, options, signalOf(options), true, (source) =>
    recordedIn(source, () =>
      cancel(source.store, (to, look) => withTarget(to, options, source.signal, look), source.signal),
    ),
  );
}

/** How a store is opened again whose place is lost. */
export interface ReclaimOptions extends MigrationOpenOptions {
  /** Told what would be reclaimed, once it is known that nothing is in the way, and waited for. What it throws ends the call, and nothing is changed. */
  readonly beforeReclaiming?: ((found: ReclaimableStore) => void | PromiseLike<void>) | undefined;
}

/** What became of a store whose place was lost. */
export interface ReclaimReport {
  /** Where it is now, as it was when it moved away. */
  readonly from: string;
  /** Where it was, with all that was written there. */
  readonly lost: string;
}

/**
 * Opens a store again in a place that it has left, as it was when it moved away: for when the place that it has moved to is lost. What was
 * written there is lost with it. Whoever had it open there opens it here anew.
 *
 * To say that a place is lost is up to you: it is only looked whether it answers and the store lies there. Where it comes back later, remove it.
 *
 * @param location a place that the store has left
 * @throws SecureStoreError `NOT_FOUND` where it has not left it; `CONFLICT` where it is open at the new place after all, or went on from there;
 *   `LOCKED` while somebody is moving it;
 *   `ACCESS_DENIED` for a member; and what opening it throws
 */
export async function reclaimStore(location: string, options: ReclaimOptions): Promise<ReclaimReport> {
  checkMigrateOptions(options, ['beforeReclaiming']);
  const { beforeReclaiming } = options;
  return opened(location, options, signalOf(options), true, (source) =>
    recordedIn(source, async () => {
      const { store, signal } = source;
      const lost = await reclaim(store, (to, look) => withTarget(to, options, signal, look), beforeReclaiming, signal);
      return { from: store.location, lost };
    }),
  );
}

/**
 * Ends that what changes in a store is kept for moving it back: where it was can be removed then.
 *
 * @param location where it is now
 * @returns whether anything was kept
 */
export async function retireMigration(location: string, options: MigrationOpenOptions): Promise<boolean> {
  checkMigrateOptions(options);
  return opened(location, options, signalOf(options), false, (source) =>
    recordedIn(source, () => retireOldSide(source.store, source.signal)),
  );
}
