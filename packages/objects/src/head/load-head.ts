import { SecureStoreError } from '@securestore/core-format';
import { startLoadingSodium } from '@securestore/crypto';
import type { Clock, Instant } from '@securestore/jobs';
import { instant, systemClock } from '@securestore/jobs';
import type { CryptoEventSource } from './crypto-event-source.ts';
import { MIGRATION_NAME, refuseBegun } from './intent-marker.ts';
import { isScratch } from './not-open.ts';
import { hasOnlyBackups, hasRemains } from './store-remains.ts';
import { followGrant } from './unlock/grants.ts';
import { MAX_TRIES, RETRY_AFTER } from './head-follower.ts';
import type { Arrived } from './move/follow-redirect.ts';
import { followMove, movedAway, readThere, sealedAnew } from './move/follow-redirect.ts';
import { hasLeftFor, isLanded, isStillAt } from './move/staged-head.ts';
import { openStoreUrl } from './move/sealed-location.ts';
import type { ReadHead, StoreState } from './store-state.ts';
import { loadState, readHead } from './store-state.ts';
import type { Trust } from './trust/check-identity.ts';
import { ActiveSlot } from './unlock/active-slot.ts';
import { checkIdentity, rememberArrival, rememberedAt, rememberFirst, rememberNewest } from './trust/check-identity.ts';
import { unlockHead } from './unlock/unlock-head.ts';
import type { OpenSettings, StoreContext } from './open-settings.ts';

/** How long reading the head of a store that has moved may take, in milliseconds. */
const MOVED_WITHIN = 30_000;

/** What was found at the store URL that was opened, with its keys. */
export interface Loaded {
  readonly begun: Instant;
  readonly read: ReadHead;
  readonly state: StoreState;
  readonly trust: Trust;
  /** Where the store was found that has moved; then head and state are from there. */
  readonly arrived?: Arrived | undefined;
  /** Which place it has left to land here. */
  readonly left?: Pick<StoreContext, 'backend' | 'url'> | undefined;
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
    if (head.state === 'scratch' && settings.ignoreRedirect !== true) throw await scratchRefused(settings);
    const state = await loadState(settings.backend, head, unlocked, { events }, settings.signal);
    const here = { begun, read, state, trust };
    if (settings.ignoreRedirect === true) return here;
    if (head.state === 'moved') return await loadMoved(settings, state, begun, trust);
    return isLanded(head) ? await loadLanded(settings, here, events) : here;
  } catch (error) {
    unlocked.wipe();
    throw error;
  }
}

/** Why a store is not opened that was made for a drill, or into which another one is being re-encrypted. */
async function scratchRefused({ backend, url, signal }: OpenSettings): Promise<SecureStoreError> {
  const isMigration = (await backend.read(MIGRATION_NAME, { start: 0, end: 1, signal })) !== undefined;
  if (!isMigration) return isScratch();
  return new SecureStoreError(
    'LOCKED',
    'the store is not open here yet: a migration that re-encrypts it has not ended',
    {
      reason: 'incomplete',
      advice: [{ id: 'resume-migration', target: url }, { id: 'choose-store-url' }],
    },
  );
}

async function loadMoved(settings: OpenSettings, state: StoreState, begun: Instant, trust: Trust): Promise<Loaded> {
  const { targets, clock = systemClock() } = settings;
  const { head, unlocked } = state;
  const to = head.migration && openStoreUrl(state, head.migration);
  // What was here before must not pass for the store once more.
  if (trust === 'first use') await rememberFirst(settings, head);
  else await rememberNewest(settings, head);
  if (head.migration?.resealed === true && to !== undefined) throw sealedAnew(to);
  if (targets === undefined) throw movedAway(to);
  const slot = new ActiveSlot();
  const arrived = await followMove(head, state, {
    moves: targets,
    clock,
    within: MOVED_WITHIN,
    unlock: (backend, there) =>
      'root' in unlocked ? slot.follow(unlocked, head, there) : followGrant(backend, there, unlocked),
    onFound: (url, found) => rememberArrival({ ...settings, url }, found),
  });
  return { begun, read: arrived.read, state: arrived.state, trust, arrived };
}

/** A store that has landed here: where it comes from may not have been left yet, and then it is there. */
async function loadLanded(
  settings: OpenSettings,
  here: Loaded,
  events: CryptoEventSource | undefined,
): Promise<Loaded> {
  const { targets, clock = systemClock() } = settings;
  const { state, begun } = here;
  const { head } = here.read;
  const from = head.migration && openStoreUrl(state, head.migration);
  if (from === undefined || targets?.urls.includes(from) !== true) return here;
  const place = await targets.connect(from, settings.signal);
  let isUsed = false;
  try {
    const read = await readThere(place.backend, { clock, within: MOVED_WITHIN });
    isUsed = read !== undefined && hasLeftFor(read.head, head);
    if (isUsed) return { ...here, left: place };
    if (read === undefined || !isStillAt(read.head, head)) return here;
    const there = await loadHead({ ...settings, ...place, targets: undefined }, read, begun, events);
    state.unlocked.wipe();
    isUsed = true;
    return { ...there, arrived: { ...there, ...place } };
  } finally {
    if (!isUsed) await place.backend.close().catch(() => undefined);
  }
}

/** Loads the head of a store, or of where the store has moved to; `undefined` if there is none. */
export async function loadNewest(
  settings: OpenSettings,
  clock: Clock,
  events: CryptoEventSource | undefined,
): Promise<Loaded | undefined> {
  startLoadingSodium();
  let failed: ReadHead | undefined;
  for (let tries = 1; ; tries++) {
    const begun = instant(clock);
    const read = await readHead(settings.backend, settings.signal);
    if (read === undefined) return undefined;
    try {
      return await loadHead(settings, read, begun, events);
    } catch (error) {
      // What a head names is removed when the next one has taken its place: then that one counts.
      // If a store that has moved moves again, the next one says where to. And another process may have replaced a head, and remembered
      // the next one, before this one was compared with what is remembered.
      const mayPass = SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'ROLLBACK');
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

/**
 * Says why no store can be opened here: one that was there before must not be mistaken for one that never was.
 *
 * @throws SecureStoreError `NOT_FOUND` if none was; `INTEGRITY` if parts of one are; `ROLLBACK` if one was
 */
export async function noHead(context: StoreContext): Promise<never> {
  const remembered = await rememberedAt(context);
  // An attacker who replaces a store by backups must not turn the alarm into a hint.
  if (remembered === undefined && (await hasOnlyBackups(context.backend, context.signal))) {
    throw new SecureStoreError('NOT_FOUND', 'backups of a store are here, and no store', {
      advice: [
        { id: 'list-snapshots', destination: context.url },
        { id: 'restore-store', destination: context.url },
      ],
    });
  }
  if (await hasRemains(context.backend, context.signal)) {
    await refuseBegun(context);
    throw new SecureStoreError('INTEGRITY', 'the head of the store is missing, though objects of it are there', {
      advice: [{ id: 'restore-store' }],
    });
  }
  if (remembered !== undefined) {
    throw new SecureStoreError('ROLLBACK', 'no store is here, though one was before', {
      reason: 'missing',
      advice: [{ id: 'check-store-url', url: context.url }, { id: 'restore-store' }],
    });
  }
  throw new SecureStoreError('NOT_FOUND', 'no store is here', { advice: [{ id: 'create-store' }] });
}
