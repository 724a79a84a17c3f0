import type { StorageBackend } from '@securestore/backend-api';
import type { Advice, Head } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { isInstance, isSameStore } from '../ancestry.ts';
import { readInTime } from '../read-head-timed.ts';
import type { ReadHead, StoreState, Unlocked } from '../store-state.ts';
import { loadState, readHead } from '../store-state.ts';
import { openStoreUrl } from './sealed-location.ts';
import { tryAgain } from '../../util/try-again.ts';

/** How a process follows a store that moves to another store URL. Store URLs are without credentials. */
export interface MigrationTargets {
  /** Where the store may be followed to, and nowhere else: an attacker who has old keys of it may claim that it has moved anywhere. */
  readonly urls: readonly string[];
  /** @returns an initialised backend, which is closed with the store */
  readonly connect: (
    url: string,
    signal?: AbortSignal,
  ) => Promise<{ readonly backend: StorageBackend; readonly url: string }>;
}

/** Where a store was found that has moved. */
export interface Arrived {
  readonly read: ReadHead;
  readonly state: StoreState;
  readonly backend: StorageBackend;
  readonly url: string;
}

/** What following takes beside the head that says where to. */
export interface FollowPorts {
  readonly moves: MigrationTargets | undefined;
  readonly clock: Clock;
  /** How long a read of the head may take, in milliseconds. */
  readonly within: number;
  /** By what this process opens the store under a head at a backend; `undefined` if it does so no more. */
  readonly unlock: (backend: StorageBackend, head: Head) => Promise<Unlocked | undefined>;
  /**
   * Called with each store URL on the way, and the one of the store, before anything of it is relied on.
   *
   * @throws SecureStoreError `ROLLBACK` if something newer is remembered of it
   */
  readonly onFound: (url: string, head: Head) => Promise<void>;
}

/** How many moves are followed in one go: each is a connection more. */
const MAX_MOVES = 16;

/** The target may be lost. */
function openThere(url: string): readonly Advice[] {
  return [{ id: 'open-at', url }, { id: 'reopen-source' }];
}

/** Opening the store there is up to the program. */
export function movedAway(url: string | undefined): SecureStoreError {
  return new SecureStoreError('LOCKED', `the store has moved to ${url ?? 'another store URL'}`, {
    reason: 'migrated',
    advice: url === undefined ? [] : openThere(url),
  });
}

/** There it has other keys: nothing that opened it here opens it there. */
export function sealedAnew(url: string): SecureStoreError {
  return new SecureStoreError(
    'LOCKED',
    `the store has moved to ${url}. It was re-encrypted there, with its own unlock secret and fingerprint.`,
    { reason: 'migrated', advice: openThere(url) },
  );
}

function notTheStore(url: string): SecureStoreError {
  return new SecureStoreError(
    'ROLLBACK',
    `the store at ${url} is not the one that moved there: another store or an older copy was put in its place`,
    { advice: [{ id: 'check-writers', url }] },
  );
}

function nothingThere(url: string): SecureStoreError {
  return new SecureStoreError('ROLLBACK', `the store has moved to ${url}, but no store is there`, {
    advice: [{ id: 'check-store-url', url }, { id: 'reopen-source' }],
  });
}

/** Reads the head in another place, in time. @throws SecureStoreError `UNAVAILABLE` if that takes too long; what the backend throws */
export async function readThere(
  backend: StorageBackend,
  { clock, within }: Pick<FollowPorts, 'clock' | 'within'>,
): Promise<ReadHead | undefined> {
  try {
    return await readInTime(backend, clock, within);
  } catch (error) {
    // No other than this call has given it up.
    if (!SecureStoreError.is(error, 'ABORTED')) throw error;
    const message = `reading the head of the store at the other URL took over ${within / 1000} s`;
    throw tryAgain('UNAVAILABLE', message, { cause: error });
  }
}

function checkArrived({ head }: ReadHead, moved: Head, instance: Uint8Array, url: string): void {
  const isStore =
    isSameStore(head, moved) &&
    isInstance(head, { instance }) &&
    head.generation >= moved.generation &&
    head.rootNumber > moved.rootNumber;
  if (!isStore) throw notTheStore(url);
}

/** Loads the store from where it is now. Its head may be replaced meanwhile, and what that names be removed. */
async function load(
  { backend, url }: Pick<Arrived, 'backend' | 'url'>,
  read: ReadHead,
  before: StoreState,
  ports: FollowPorts,
): Promise<Arrived> {
  const { events, opensRetired } = before;
  let newest = read;
  for (let tries = 1; ; tries++) {
    const unlocked = await ports.unlock(backend, newest.head);
    if (unlocked === undefined) {
      throw new SecureStoreError(
        'LOCKED',
        `the store has moved to ${url}, and the unlock secret in use does not open it there`,
        { reason: 'migrated', advice: [{ id: 'open-at', url }, { id: 'check-unlock-secret' }] },
      );
    }
    try {
      const state = await loadState(backend, newest.head, unlocked, { events, opensRetired });
      return { read: newest, state, backend, url };
    } catch (error) {
      const again = SecureStoreError.is(error, 'INTEGRITY') && tries < 3 ? await readHead(backend) : undefined;
      if (again === undefined || again.etag === newest.etag || !isSameStore(again.head, newest.head)) throw error;
      newest = again;
    }
  }
}

/**
 * Finds the store that `moved` says has moved, as it is there.
 *
 * @param moved a head with the state `moved` that follows from the one of `state`
 * @throws SecureStoreError `LOCKED` if it may not be followed; `ROLLBACK` if nothing or another store is there; what the backend there throws
 */
export async function followMove(moved: Head, state: StoreState, ports: FollowPorts): Promise<Arrived> {
  let [head, from] = [moved, state];
  const opened: StorageBackend[] = [];
  try {
    for (let moves = 0; moves < MAX_MOVES; moves++) {
      const { migration } = head;
      if (migration === undefined) throw movedAway(undefined);
      const named = openStoreUrl({ head, keys: from.keys }, migration);
      if (migration.resealed) throw sealedAnew(named);
      if (ports.moves?.urls.includes(named) !== true) throw movedAway(named);
      const place = await ports.moves.connect(named);
      opened.push(place.backend);
      const read = await readThere(place.backend, ports);
      if (read === undefined) throw nothingThere(place.url);
      checkArrived(read, head, migration.instance, place.url);
      await ports.onFound(place.url, read.head);
      if (read.head.state !== 'moved') {
        const arrived = await load(place, read, from, ports);
        opened.pop();
        return arrived;
      }
      [head, from] = [read.head, { ...from, ...(await load(place, read, from, ports)).state }];
    }
    throw movedAway(head.migration && openStoreUrl({ head, keys: from.keys }, head.migration));
  } finally {
    for (const backend of opened) await backend.close().catch(() => undefined);
  }
}
