import type { StorageBackend, WriteOptions } from '@securestore/backend-api';
import { HEAD_NAME, SecureStoreError, systemContext } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import { openSystemBody, sealSystemBody, unversioned } from '@securestore/crypto';
import { MIGRATION_NAME } from '../copy/begun.ts';
import { hasRemains } from '../create.ts';
import type { ReadHead, StoreState } from '../state.ts';
import { readHead } from '../state.ts';

/** What was found where a store is to move to. */
export interface Occupied {
  /** Whether the same migration was begun before. */
  readonly resumed: boolean;
  /** The head that lies there: what a store has left behind that moves back, or what an attempt has left that came to nothing. */
  readonly head: ReadHead | undefined;
}

/** The id of the instance that a store becomes there, for whoever goes on with it. */
function contextOf({ head }: StoreState): Buffer {
  return systemContext(head.lineage, 0, MIGRATION_NAME);
}

async function isOwnMarker(
  target: StorageBackend,
  state: StoreState,
  instance: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean | undefined> {
  const found = await target.read(MIGRATION_NAME, { signal });
  if (found === undefined) return undefined;
  try {
    const key = unversioned(state.keys.migration);
    const { suites } = state.head;
    const opened = openSystemBody('the migration', key, suites, 'migration', contextOf(state), found.body);
    return Buffer.compare(opened, instance) === 0;
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY') && !SecureStoreError.is(error, 'FORMAT_VERSION')) throw error;
    return false;
  }
}

/** Whether a head is of a store of this identity and lineage. */
const isOfStore = ({ head }: ReadHead, state: StoreState): boolean =>
  Buffer.compare(head.identity, state.head.identity) === 0 && Buffer.compare(head.lineage, state.head.lineage) === 0;

function occupied(what: string): SecureStoreError {
  return new SecureStoreError('ALREADY_EXISTS', `${what}; it was left as it is. Choose an empty location`);
}

/** @throws SecureStoreError `ALREADY_EXISTS` where a head is that is neither this store's nor left behind by it */
function checkHead(read: ReadHead, state: StoreState): void {
  if (!isOfStore(read, state)) throw occupied('there is another store here already');
  if (read.head.state === 'moved') return;
  const isHere = Buffer.compare(read.head.instance, state.head.instance) === 0;
  throw occupied(
    isHere ? 'this is the place where the store is' : 'a copy of the store is here already, such as a restored one',
  );
}

/** @throws SecureStoreError `ALREADY_EXISTS` where something is that only a store with a head can have written */
async function checkEmpty(target: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
  if ((await target.read(MIGRATION_NAME, { start: 0, end: 1, signal })) !== undefined) {
    throw occupied('another migration to this location was begun and not finished');
  }
  if (await hasRemains(target, signal)) throw occupied('there are objects of a store here whose head is missing');
}

/**
 * Makes sure that a store could move to a place.
 *
 * @param anew whether it is to be sealed anew there
 * @throws SecureStoreError `ALREADY_EXISTS` where something is there; what the backend throws
 */
export async function checkFree(
  target: StorageBackend,
  state: StoreState,
  anew: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const head = await readHead(target, signal);
  if (head === undefined) return checkEmpty(target, signal);
  checkHead(head, state);
  if (anew) throw occupied('this is a place that the store has left');
}

/** Writes what says that a place is taken. */
async function take(
  target: StorageBackend,
  state: StoreState,
  id: Uint8Array,
  random: RandomSource,
  options: WriteOptions,
): Promise<void> {
  const key = { secret: state.keys.migration, suite: state.keys.journal.primary.suite };
  await target.write(MIGRATION_NAME, sealSystemBody(key, 'migration', contextOf(state), id, random), options);
}

/**
 * Takes the place where a store is to move to, or finds it taken by the same migration.
 *
 * @param instance that the store becomes there
 * @throws SecureStoreError `ALREADY_EXISTS` where something else is there; what the backend throws
 */
export async function occupy(
  target: StorageBackend,
  state: StoreState,
  instance: Uint8Array,
  random: RandomSource,
  signal: AbortSignal | undefined,
): Promise<Occupied> {
  const head = await readHead(target, signal);
  const isOwn = await isOwnMarker(target, state, instance, signal);
  const isLanded = head !== undefined && isOfStore(head, state) && Buffer.compare(head.head.instance, instance) === 0;
  if (isLanded || (isOwn === true && (head === undefined || isOfStore(head, state)))) return { resumed: true, head };
  if (head === undefined) await checkEmpty(target, signal);
  else checkHead(head, state);
  // What a store has left behind may have one of a migration that came to nothing.
  await take(target, state, instance, random, head === undefined ? { ifAbsent: true, signal } : { signal });
  return { resumed: false, head };
}

/**
 * Takes the place where a store is to be sealed anew, or finds it taken by the same migration.
 *
 * @param id of the migration
 * @returns whether it was taken before
 * @throws SecureStoreError `ALREADY_EXISTS` where something else is there; what the backend throws
 */
export async function occupyAnew(
  target: StorageBackend,
  state: StoreState,
  id: Uint8Array,
  random: RandomSource,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if ((await isOwnMarker(target, state, id, signal)) === true) return true;
  if ((await target.read(HEAD_NAME, { start: 0, end: 1, signal })) !== undefined) {
    throw occupied('there is a store here already');
  }
  await checkEmpty(target, signal);
  await take(target, state, id, random, { ifAbsent: true, signal });
  return false;
}
