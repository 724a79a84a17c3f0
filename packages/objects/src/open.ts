import type { StorageBackend } from '@securestore/backend-api';
import type { AuditLink, Head } from '@securestore/core-format';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { RandomSource, UnlockMethod } from '@securestore/crypto';
import { fingerprintOf, NameCipher, randomPool } from '@securestore/crypto';
import { settledSoon } from './abortable.ts';
import type { Anchor } from './anchor.ts';
import type { Clock, Instant } from '@securestore/jobs';
import { instant, systemClock } from '@securestore/jobs';
import type { AuditEnd } from './audit-ends.ts';
import { atLocation } from './call.ts';
import type { CryptoEventSource } from './crypto-event-source.ts';
import { eventsFor } from './crypto-event-source.ts';
import type { CryptoEventListener } from './crypto-events.ts';
import { refuseBegun } from './copy/begun.ts';
import { createStoreAt, hasRemains } from './create.ts';
import type { Engine } from './engine.ts';
import { GRACE_PERIOD } from './engine.ts';
import { followGrant } from './members/grants.ts';
import { HeadWatcher, MAX_TRIES, RETRY_AFTER } from './freshness.ts';
import { JournalWriter } from './journal/journal-writer.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import { limitsFor } from './limits.ts';
import type { Arrived, Moves } from './moving/follow.ts';
import { followMove, movedAway, readThere, sealedAnew } from './moving/follow.ts';
import { hasLeftFor, isLanded, isStillAt } from './moving/landed.ts';
import { openLocation } from './moving/location.ts';
import { reopen } from './moving/reopen.ts';
import { Place } from './moving/place.ts';
import { ObjectStore } from './object-store.ts';
import type { ObjectStoreParts } from './object-store.ts';
import { RecordCache } from './record-cache.ts';
import type { ReadHead, StoreState } from './state.ts';
import { loadState, readHead } from './state.ts';
import type { StoreSettings } from './store-settings.ts';
import type { Trust } from './trust.ts';
import { OwnSlot } from './own-slot.ts';
import { checkIdentity, endsIn, rememberArrival, rememberedAt, rememberFirst, rememberNewest } from './trust.ts';
import type { Logger } from './types.ts';
import { unlockHead } from './unlock-head.ts';

/** What creating and opening need beside what is kept in the store. */
export interface StoreContext {
  /** An initialised backend. It is closed with the store, and when opening fails. */
  readonly backend: StorageBackend;
  /** For messages and the anchor; without credentials. */
  readonly location: string;
  /** A memory outside the store that shows when an older copy of it is put back. */
  readonly anchor?: Anchor | undefined;
  /** Where the store may be followed to, when it moves while it is open or has moved; by default nowhere. */
  readonly moves?: Moves | undefined;
  readonly logger?: Logger | undefined;
  /** Is told what this process does with the keys of the store. What it throws is logged, and changes nothing. */
  readonly onCryptoEvent?: CryptoEventListener | undefined;
  /** Whether the store looks after its keys and collects while it stays open; default yes. */
  readonly upkeep?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: RandomSource | undefined;
}

export interface OpenSettings extends StoreContext {
  readonly unlock: UnlockMethod;
  /** The identity that the store must have. */
  readonly fingerprint?: string | undefined;
  /** Accept a head that contradicts the anchor, and remember it instead. */
  readonly acceptHead?: boolean | undefined;
  /** Take the store that lies here for the right one where nothing is known of it yet, and remember it in the anchor. */
  readonly trustOnFirstUse?: boolean | undefined;
  /** Open what a store has left behind that has moved, or what it is to become, for whoever moves it. */
  readonly whereItWas?: boolean | undefined;
}

/** How long reading the head of a store that has moved may take, in milliseconds. */
const MOVED_WITHIN = 30_000;

/** A store that was there before must not be mistaken for one that never was. */
async function noHead(context: StoreContext): Promise<never> {
  if (await hasRemains(context.backend, context.signal)) {
    await refuseBegun(context.backend, context.signal);
    throw new SecureStoreError(
      'INTEGRITY',
      'the head of the store is missing, though objects of it are there. Bring it back from a backup',
    );
  }
  if ((await rememberedAt(context)) !== undefined) {
    throw new SecureStoreError(
      'ROLLBACK',
      'no store is here, though one was before. Bring it back from a backup, or, if you removed it yourself, make a new one with createStore',
    );
  }
  throw new SecureStoreError('NOT_FOUND', 'no store is here; make one with createStore');
}

interface Loaded {
  readonly begun: Instant;
  readonly read: ReadHead;
  readonly state: StoreState;
  readonly trust: Trust;
  /** Where the store was found that has moved; then head and state are from there. */
  readonly arrived?: Arrived | undefined;
  /** Which place it has left to land here. */
  readonly left?: Left | undefined;
}

/** A place that a store has left. */
interface Left {
  readonly backend: StorageBackend;
  readonly location: string;
}

async function loadHead(
  settings: OpenSettings,
  read: ReadHead,
  begun: Instant,
  events: CryptoEventSource | undefined,
): Promise<Loaded> {
  const { head } = read;
  const trust = await checkIdentity(head, settings);
  const unlocked = await unlockHead(settings.backend, head, settings.unlock, events, settings.signal);
  try {
    if (head.state === 'scratch' && settings.whereItWas !== true)
      throw new SecureStoreError('LOCKED', 'this is the scratch store of a drill; only drills open it');
    const state = await loadState(settings.backend, head, unlocked, { events }, settings.signal);
    const here = { begun, read, state, trust };
    if (settings.whereItWas === true) return here;
    if (head.state === 'moved') return await loadMoved(settings, state, begun, trust);
    return isLanded(head) ? await loadLanded(settings, here, events) : here;
  } catch (error) {
    unlocked.wipe();
    throw error;
  }
}

async function loadMoved(settings: OpenSettings, state: StoreState, begun: Instant, trust: Trust): Promise<Loaded> {
  const { moves, clock = systemClock() } = settings;
  const { head, unlocked } = state;
  const to = head.migration && openLocation(state, head.migration);
  // What was here before must not pass for the store once more.
  if (trust === 'first use') await rememberFirst(settings, head);
  else await rememberNewest(settings, head);
  if (head.migration?.resealed === true && to !== undefined) throw sealedAnew(to);
  if (moves === undefined) throw movedAway(to);
  const slot = new OwnSlot();
  const arrived = await followMove(head, state, {
    moves,
    clock,
    within: MOVED_WITHIN,
    unlock: (backend, there) =>
      'root' in unlocked ? slot.follow(unlocked, head, there) : followGrant(backend, there, unlocked),
    onFound: (location, found) => rememberArrival({ ...settings, location }, found),
  });
  return { begun, read: arrived.read, state: arrived.state, trust, arrived };
}

/** A store that has landed here: where it comes from may not have been left yet, and then it is there. */
async function loadLanded(
  settings: OpenSettings,
  here: Loaded,
  events: CryptoEventSource | undefined,
): Promise<Loaded> {
  const { moves, clock = systemClock() } = settings;
  const { state, begun } = here;
  const { head } = here.read;
  const from = head.migration && openLocation(state, head.migration);
  if (from === undefined || moves?.allows(from) !== true) return here;
  const place = await moves.connect(from, settings.signal);
  let isUsed = false;
  try {
    const read = await readThere(place.backend, { clock, within: MOVED_WITHIN });
    isUsed = read !== undefined && hasLeftFor(read.head, head);
    if (isUsed) return { ...here, left: place };
    if (read === undefined || !isStillAt(read.head, head)) return here;
    const there = await loadHead({ ...settings, ...place, moves: undefined }, read, begun, events);
    state.unlocked.wipe();
    isUsed = true;
    return { ...there, arrived: { ...there, ...place } };
  } finally {
    if (!isUsed) await place.backend.close().catch(() => undefined);
  }
}

async function loadNewest(
  settings: OpenSettings,
  clock: Clock,
  events: CryptoEventSource | undefined,
): Promise<Loaded | undefined> {
  let failed: ReadHead | undefined;
  for (let tries = 1; ; tries++) {
    const begun = instant(clock);
    const read = await readHead(settings.backend, settings.signal);
    if (read === undefined) return undefined;
    try {
      return await loadHead(settings, read, begun, events);
    } catch (error) {
      // What a head names is removed when the next one has taken its place: then that one counts.
      // And where a store has moved that moves again, the next one says where to.
      const mayPass =
        SecureStoreError.is(error, 'INTEGRITY') ||
        (SecureStoreError.is(error, 'ROLLBACK') && read.head.state === 'moved');
      const final = !mayPass || tries === MAX_TRIES || read.etag === failed?.etag;
      if (final || (await isStill(settings, read))) throw error;
      failed = read;
      await clock.sleep(RETRY_AFTER * tries, settings.signal);
    }
  }
}

async function isStill({ backend, signal }: OpenSettings, { etag }: ReadHead): Promise<boolean> {
  const now = await readHead(backend, signal);
  return now?.etag === etag;
}

/** The engine of a store of which the head has been loaded. */
export function engineOf(
  context: StoreContext,
  clock: Clock,
  { begun, read, state, arrived, left }: Pick<Loaded, 'begun' | 'read' | 'state' | 'arrived' | 'left'>,
  gracePeriod: number = GRACE_PERIOD,
): Engine {
  const { backend: given, random, moves } = context;
  const { head } = read;
  const place = moves && new Place(left?.backend ?? given, left?.location ?? context.location);
  if (left !== undefined) place?.moveTo(given, context.location);
  if (arrived !== undefined) place?.moveTo(arrived.backend, arrived.location);
  const backend = place?.backend ?? given;
  const etag = place === undefined ? read.etag : place.mark(read.etag);
  const watcher = new HeadWatcher(backend, clock, state, { ...read, etag }, begun);
  const ports = { backend, clock, random: random ?? randomPool(), watcher };
  const engine: Engine = {
    ...ports,
    place,
    names: new NameCipher(state.keys.names, head.naming, head.lineage),
    cache: new RecordCache(clock, gracePeriod / 2),
    turns: new KeyedMutex(),
    limits: limitsFor(backend.capabilities),
    journal: new JournalWriter(ports),
    audit: {},
    copies: {},
    gracePeriod,
  };
  if (moves !== undefined && place !== undefined) {
    const onMove = async (there: Arrived): Promise<string> => {
      place.moveTo(there.backend, there.location);
      engine.cache.clear();
      engine.journal.restart();
      engine.limits = limitsFor(there.backend.capabilities);
      return place.mark(there.read.etag);
    };
    const onFound = (location: string, found: Head): Promise<void> => rememberArrival({ ...context, location }, found);
    watcher.follows({ moves, onMove, onFound });
  }
  return engine;
}

/** What an open store is made of. @throws SecureStoreError as {@link openObjectStore} does */
export async function openParts(settings: OpenSettings): Promise<ObjectStoreParts> {
  const { location } = settings;
  const clock = settings.clock ?? systemClock();
  const events = eventsFor(settings, clock);
  const loaded = await loadNewest(settings, clock, events).catch((error: unknown) => {
    events?.close();
    throw error;
  });
  if (loaded === undefined) return noHead(settings);
  const { head } = loaded.read;
  const at = (place: Pick<StoreContext, 'location'> | undefined): OpenSettings => ({
    ...settings,
    location: place?.location ?? location,
  });
  try {
    if (loaded.trust === 'first use') await rememberFirst(at(loaded.arrived), head);
    else await rememberNewest(at(loaded.arrived), head);
  } catch (error) {
    loaded.state.unlocked.wipe();
    await (loaded.arrived ?? loaded.left)?.backend.close().catch(() => undefined);
    throw error;
  }
  const engine = engineOf(settings, clock, loaded);
  // A head that was accepted once is not accepted again over a newer one.
  const later = (): OpenSettings => ({ ...at(engine.place), acceptHead: false });
  const end = (): AuditEnd | undefined => engine.audit.end?.();
  engine.watcher.onHead((followed) => rememberNewest(later(), followed, end()));
  engine.watcher.onStalled(() => reopen(engine));
  engine.watcher.migrates = settings.whereItWas === true;
  const onClose = async (): Promise<void> => {
    // A stream that could not be ended is closed by the collection when it has been silent for long.
    await engine.journal.close().catch(() => undefined);
    try {
      await rememberNewest(later(), engine.watcher.state.head, end());
    } finally {
      engine.watcher.wipe();
      events?.close();
      await engine.backend.close();
    }
  };
  const anchored = settings.anchor !== undefined;
  const { logger, upkeep = true } = settings;
  const rememberedEnds = async (): Promise<AuditLink[]> =>
    endsIn(await rememberedAt(at(engine.place)).catch(() => undefined));
  const fingerprint = fingerprintOf(head.identity);
  return { engine, fingerprint, location, anchored, logger, upkeep, rememberedEnds, onClose };
}

async function open(settings: OpenSettings): Promise<ObjectStore> {
  return new ObjectStore(await openParts(settings));
}

/** Runs `body`; where it fails the backend, which was handed over, is closed. */
async function owning<T>(
  operation: string,
  { backend, location, signal, clock = systemClock() }: StoreContext,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await settledSoon(body(), signal, clock);
  } catch (error) {
    // What happened first is what matters.
    await backend.close().catch(() => undefined);
    throw atLocation(error, operation, location, signal);
  }
}

/**
 * Opens the store that lies at a backend.
 *
 * @throws SecureStoreError `NOT_FOUND` where none is; `UNLOCK_FAILED` on a wrong secret; `INTEGRITY` where what lies
 *   there is damaged or another store than pinned; `ROLLBACK` where the anchor knows a newer one; `LOCKED`
 */
export function openObjectStore(settings: OpenSettings): Promise<ObjectStore> {
  return owning('open', settings, () => open(settings));
}

/**
 * Makes a store and opens it.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` where a store is, leaving it untouched; `INTEGRITY` where objects of a store
 *   are whose head is missing; `INVALID_ARGUMENT`
 */
export function createObjectStore(settings: StoreSettings & StoreContext): Promise<ObjectStore> {
  const { backend } = settings;
  return owning('create', settings, async () => {
    const random = settings.random ?? randomPool();
    const clock = settings.clock ?? systemClock();
    const fingerprint = await createStoreAt(backend, settings, clock, random, eventsFor(settings, clock));
    // Whatever was remembered of this location was of another store: making a new one is an explicit act.
    return open({ ...settings, fingerprint, acceptHead: true });
  });
}

/**
 * Opens the store, or makes it where none is and none was before.
 *
 * @throws SecureStoreError as {@link openObjectStore} and {@link createObjectStore} do
 */
export function openOrCreateObjectStore(settings: StoreSettings & OpenSettings): Promise<ObjectStore> {
  const { backend, signal } = settings;
  return owning('open', settings, async () => {
    const random = settings.random ?? randomPool();
    const clock = settings.clock ?? systemClock();
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
        const fingerprint = await createStoreAt(backend, settings, clock, random, eventsFor(settings, clock));
        return await open({ ...settings, fingerprint });
      } catch (error) {
        // Another process made it in the meantime.
        if (!SecureStoreError.is(error, 'ALREADY_EXISTS')) throw error;
      }
    }
    return open(settings);
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
    const random = settings.random ?? randomPool();
    const clock = settings.clock ?? systemClock();
    const opening = { ...settings, whereItWas: true };
    if (made && (await readHead(settings.backend, settings.signal)) !== undefined) return open(opening);
    const founded = { versionFloor, state: 'scratch' } as const;
    const fingerprint = await createStoreAt(settings.backend, { ...settings, founded }, clock, random);
    return open({ ...opening, fingerprint, acceptHead: true });
  });
}
