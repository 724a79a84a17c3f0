import type { StorageBackend } from '@securestore/backend-api';
import type { AuditLink } from '@securestore/core-format';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { fingerprintOf } from '@securestore/crypto';
import { systemClock } from '@securestore/jobs';
import { settledSoon } from '../util/abort.ts';
import type { AuditEnd } from '../head/trust/audit-segment-ends.ts';
import { atStoreUrl } from '../api/call-boundary.ts';
import { eventsFor } from '../head/crypto-event-source.ts';
import { createStoreAt } from './create.ts';
import { abortCutover } from '../engine/abort-cutover.ts';
import { ObjectStore } from './object-store.ts';
import type { ObjectStoreParts } from './object-store.ts';
import { readHead } from '../head/store-state.ts';
import { checkSettings } from '../maintenance/settings/settings.ts';
import type { StoreSettings } from '../api/create-settings.ts';
import { parseSettings } from '../api/create-settings.ts';
import { endsIn, rememberedAt, rememberFirst, rememberNewest } from '../head/trust/check-identity.ts';
import { engineOf } from '../engine/create-engine.ts';
import { loadNewest, noHead } from '../head/load-head.ts';
import type { OpenSettings, StoreContext } from '../head/open-settings.ts';
import type { FoundedStore } from '../replica/copy/restore-target.ts';
import type { UnlockedCopy } from '../replica/copy/unlock-copy.ts';

/**
 * What an open store is made of.
 *
 * @param asked the settings that the store must have
 * @throws SecureStoreError as {@link openObjectStore} does; `INVALID_ARGUMENT` if it has others
 */
export async function openParts(settings: OpenSettings, asked?: StoreSettings): Promise<ObjectStoreParts> {
  const { url } = settings;
  const clock = settings.clock ?? systemClock();
  const events = eventsFor(settings, clock);
  const loaded = await loadNewest(settings, clock, events).catch((error: unknown) => {
    events?.close();
    throw error;
  });
  if (loaded === undefined) return noHead(settings);
  const { head } = loaded.read;
  const at = (place: Pick<StoreContext, 'url'> | undefined): OpenSettings => ({
    ...settings,
    url: place?.url ?? url,
  });
  try {
    if (asked !== undefined) checkSettings(loaded.state, asked);
    if (loaded.trust === 'first use') await rememberFirst(at(loaded.arrived), head);
    else await rememberNewest(at(loaded.arrived), head);
  } catch (error) {
    loaded.state.unlocked.wipe();
    await (loaded.arrived ?? loaded.left)?.backend.close().catch(() => undefined);
    throw error;
  }
  const engine = engineOf(settings, clock, loaded);
  // A head that was accepted once is not accepted again over a newer one.
  const later = (): OpenSettings => ({ ...at(engine.place), acceptRollback: false });
  const end = (): AuditEnd | undefined => engine.audit.end?.();
  engine.monitor.onHead((followed) => rememberNewest(later(), followed, end()));
  engine.monitor.onStalled(() => abortCutover(engine));
  engine.monitor.migrates = settings.ignoreRedirect === true;
  const onClose = async (): Promise<void> => {
    // A stream that could not be ended is closed by the collection when it has been silent for long.
    await engine.journal.close().catch(() => undefined);
    try {
      await rememberNewest(later(), engine.monitor.state.head, end());
    } finally {
      engine.monitor.wipe();
      events?.close();
      await engine.backend.close();
    }
  };
  const anchored = settings.anchor !== undefined;
  const { logger, maintenance = true } = settings;
  const rememberedEnds = async (): Promise<AuditLink[]> =>
    endsIn(await rememberedAt(at(engine.place)).catch(() => undefined), head);
  const fingerprint = fingerprintOf(head.identity);
  return { engine, fingerprint, url, anchored, logger, maintenance, rememberedEnds, onClose };
}

async function open(settings: OpenSettings, asked?: StoreSettings): Promise<ObjectStore> {
  return new ObjectStore(await openParts(settings, asked));
}

/** The error of a store that does not open, without advice on what would have to open it first. */
function withoutRepair(error: unknown): unknown {
  if (!SecureStoreError.is(error, 'INTEGRITY') || error.reason !== undefined) return error;
  const others = (error.advice ?? []).filter(({ id }) => id !== 'repair-object');
  return SecureStoreError.from(error, { advice: others.length > 0 ? others : [{ id: 'restore-store' }] });
}

/** Runs `body`; if it fails, the backend, which was handed over, is closed. */
async function owning<T>(
  operation: string,
  { backend, url, signal, clock = systemClock() }: StoreContext,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await settledSoon(body(), signal, clock);
  } catch (error) {
    // What happened first is what matters.
    await backend.close().catch(() => undefined);
    throw atStoreUrl(operation === 'open' ? withoutRepair(error) : error, operation, url, signal);
  }
}

/**
 * Opens the store that lies at a backend.
 *
 * @throws SecureStoreError `NOT_FOUND` if there is none; `UNLOCK_FAILED` on a wrong secret; `INTEGRITY` if what lies
 *   there is damaged or another store than pinned; `ROLLBACK` if the anchor knows a newer one; `LOCKED`
 */
export function openObjectStore(settings: OpenSettings): Promise<ObjectStore> {
  return owning('open', settings, () => open(settings));
}

/**
 * Makes a store and opens it.
 *
 * @param settings with `acceptRollback` also if the anchor remembers a store here that is missing
 * @throws SecureStoreError `ALREADY_EXISTS` if there is a store, or backups, leaving them untouched; `INTEGRITY` if there are objects of
 *   a store whose head is missing; `ROLLBACK` if the anchor remembers a store here that is missing; `INVALID_ARGUMENT`
 */
export function createObjectStore(
  settings: StoreSettings & StoreContext & Pick<OpenSettings, 'acceptRollback'>,
): Promise<ObjectStore> {
  return owning('create', settings, async () => {
    const fingerprint = await createStoreAt(settings, eventsFor(settings, settings.clock ?? systemClock()));
    // The anchor remembers at most a store that was given up.
    return open({ ...settings, fingerprint, acceptRollback: true });
  });
}

/**
 * Opens the store, or makes it if there is none and never was.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if it has other settings than those that are given; and as {@link openObjectStore} and {@link createObjectStore} do
 */
export function openOrCreateObjectStore(settings: StoreSettings & OpenSettings): Promise<ObjectStore> {
  const { backend, signal } = settings;
  return owning('open', settings, async () => {
    parseSettings(settings);
    if ((await backend.read(HEAD_NAME, { signal })) === undefined) {
      await noHead(settings).catch((error: unknown) => {
        if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
      });
      if (settings.fingerprint !== undefined) {
        throw new SecureStoreError(
          'NOT_FOUND',
          `no store is here, so none with the fingerprint ${settings.fingerprint}`,
        );
      }
      try {
        const fingerprint = await createStoreAt(settings, eventsFor(settings, settings.clock ?? systemClock()));
        return await open({ ...settings, fingerprint });
      } catch (error) {
        // Another process made it in the meantime.
        if (!SecureStoreError.is(error, 'ALREADY_EXISTS')) throw error;
      }
    }
    return open(settings, settings);
  });
}

/**
 * Makes a store that is to take in another one, or opens one that was made for that before: nobody else opens it until that is done.
 *
 * @param versionFloor of the other one
 * @throws SecureStoreError as {@link createObjectStore} and {@link openObjectStore} do
 */
export function openStoreAnew(
  settings: StoreSettings & OpenSettings,
  made: boolean,
  versionFloor: number,
): Promise<ObjectStore> {
  return owning('create', settings, async () => {
    const opening = { ...settings, ignoreRedirect: true };
    if (made && (await readHead(settings.backend, settings.signal)) !== undefined) return open(opening);
    const founded = { versionFloor, state: 'scratch' } as const;
    const fingerprint = await createStoreAt({ ...settings, founded });
    return open({ ...opening, fingerprint, acceptRollback: true });
  });
}

/**
 * The store as a backend shows it that holds what a copy holds. It can be read; what would change it fails with `READ_ONLY`.
 *
 * @param view serves the head of the copy and what it names, too; closed with the store
 */
export function openCopy(copy: UnlockedCopy, view: StorageBackend): ObjectStore {
  const { fingerprint, url } = copy;
  // The keys are the copy's, of which there may be several views.
  return new ObjectStore({ engine: copy.engineOver(view), fingerprint, url, onClose: () => view.close() });
}

/**
 * A store that was made of a copy, once it is finished: for whoever has made it, also if it is a scratch store that nobody else opens.
 *
 * @throws SecureStoreError `INTEGRITY` if its head is missing; what the backend throws
 */
export async function openFounded(founded: FoundedStore, url: string, signal?: AbortSignal): Promise<ObjectStore> {
  const engine = await founded.engineAt(url, signal);
  const fingerprint = fingerprintOf(engine.monitor.state.head.identity);
  return new ObjectStore({ engine, fingerprint, url, onClose: async () => undefined });
}
