import type { Nesting, StorageBackend, WriteOptions } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import {
  BACKUP_AREAS,
  BACKUP_KEYS_NAME,
  HEAD_NAME,
  ID_LENGTH,
  SecureStoreError,
  systemContext,
} from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import { openSystemBody, sealSystemBody, unversioned } from '@securestore/crypto';
import { isInstance, isSameStore } from '../../head/ancestry.ts';
import { MIGRATION_NAME } from '../../head/intent-marker.ts';
import { hasRemains } from '../../head/store-remains.ts';
import type { ReadHead, StoreState } from '../../head/store-state.ts';
import { readHead } from '../../head/store-state.ts';
import { targetTaken } from '../copy/target-taken.ts';
import { isLanded } from '../../head/move/staged-head.ts';

/** That of no migration. */
const NO_INSTANCE: Uint8Array = new Uint8Array(ID_LENGTH);

/** What was found where a store is to move to. */
export interface Occupied {
  /** Whether the same migration was begun before. */
  readonly resumed: boolean;
  /** The head that is stored there: what a store has left behind that moves back, or what an attempt has left that came to nothing. */
  readonly head: ReadHead | undefined;
}

/** The ids of the instance that a store becomes there, and of the one that it is, for the process that resumes it. */
const markerOf = ({ head }: StoreState, instance: Uint8Array): Buffer => Buffer.concat([instance, head.instance]);

function contextOf({ head }: StoreState): Buffer {
  return systemContext(head.lineage, 0, MIGRATION_NAME);
}

/** Whose marker is stored there: of this migration, of one of the same store that was given up, or of something else; `undefined` if none does. */
async function whoseMarker(
  target: StorageBackend,
  state: StoreState,
  instance: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<'own' | 'given up' | 'other' | undefined> {
  const found = await target.read(MIGRATION_NAME, { signal });
  if (found === undefined) return undefined;
  try {
    const key = unversioned(state.keys.migration);
    const { suites } = state.head;
    const opened = openSystemBody('the migration', key, suites, 'migration', contextOf(state), found.body);
    if (Buffer.compare(opened, markerOf(state, instance)) === 0) return 'own';
    // A store moves to one place at a time.
    return Buffer.compare(opened.subarray(ID_LENGTH), state.head.instance) === 0 ? 'given up' : 'other';
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY') && !SecureStoreError.is(error, 'FORMAT_VERSION')) throw error;
    return 'other';
  }
}

/** Whether a head has landed from a store as it is now, in a migration that was given up since. */
const isGivenUp = (there: Head, of: Head): boolean =>
  isLanded(there) && there.migration !== undefined && isInstance(there.migration, of);

/** Whoever removes the one would remove the other. */
export function nested(nesting: Nesting): SecureStoreError {
  const where = nesting === 'inside' ? 'the target is inside the store' : 'the store is inside the target';
  return new SecureStoreError('INVALID_ARGUMENT', `${where}: both would be removed together. Nothing was changed.`, {
    advice: [{ id: 'choose-store-url' }],
  });
}

/**
 * A store in the place of its backups would be lost with them. What holds them may be removed, or be cleaned up, as if it held nothing else.
 *
 * @throws SecureStoreError `ALREADY_EXISTS`; what the backend throws
 */
export async function refuseBackups(target: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
  const keys = await target.read(BACKUP_KEYS_NAME, { start: 0, end: 1, signal });
  const { entries } = await target.list(BACKUP_AREAS.points, { limit: 1, signal });
  if (keys !== undefined || entries.length > 0) throw targetTaken('the target has backups');
}

/** @throws SecureStoreError `ALREADY_EXISTS` if a head is stored there that is neither this store's nor left behind by it, before it became what it is */
function checkHead(read: ReadHead, state: StoreState): void {
  if (!isSameStore(read.head, state.head)) throw targetTaken('the target already has another store');
  const isHere = isInstance(read.head, state.head);
  if (read.head.state === 'moved') {
    // What comes back has become another instance, and its head has gone on from there.
    if (!isHere && read.head.generation < state.head.generation) return;
    throw targetTaken('the store was migrated away from the target, and the source is an older copy of it');
  }
  throw targetTaken(isHere ? 'the target is the store itself' : 'the target already has a copy of the store');
}

/** @throws SecureStoreError `ALREADY_EXISTS` if something is stored there that only a store with a head can have written */
async function checkEmpty(target: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
  if ((await target.read(MIGRATION_NAME, { start: 0, end: 1, signal })) !== undefined) {
    throw targetTaken('another migration to the target was begun and not finished');
  }
  if (await hasRemains(target, signal)) throw targetTaken('the target has objects of a store without a head');
}

/**
 * Makes sure that a store could move to a place.
 *
 * @param anew whether it is to be re-encrypted there
 * @throws SecureStoreError `ALREADY_EXISTS` if something is there; what the backend throws
 */
export async function checkFree(
  target: StorageBackend,
  state: StoreState,
  anew: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const head = await readHead(target, signal);
  const marker = await whoseMarker(target, state, NO_INSTANCE, signal);
  if (
    !anew &&
    (head === undefined
      ? marker === 'given up'
      : isSameStore(head.head, state.head) && isGivenUp(head.head, state.head))
  )
    return;
  if (head === undefined) {
    await checkEmpty(target, signal);
    return;
  }
  checkHead(head, state);
  if (anew) throw targetTaken('the store was migrated away from the target');
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
  await target.write(
    MIGRATION_NAME,
    sealSystemBody(key, 'migration', contextOf(state), markerOf(state, id), random),
    options,
  );
}

/**
 * Takes the place where a store is to move to, or finds it taken by the same migration.
 *
 * @param instance that the store becomes there
 * @throws SecureStoreError `ALREADY_EXISTS` if something else is there; what the backend throws
 */
export async function occupy(
  target: StorageBackend,
  state: StoreState,
  instance: Uint8Array,
  random: RandomSource,
  signal: AbortSignal | undefined,
): Promise<Occupied> {
  const head = await readHead(target, signal);
  if (head !== undefined && !isSameStore(head.head, state.head))
    throw targetTaken('the target already has another store');
  const marker = await whoseMarker(target, state, instance, signal);
  const isOwn = marker === 'own' || (head !== undefined && isInstance(head.head, { instance }));
  if (isOwn) return { resumed: true, head };
  // What a migration has left that was given up is taken over: it is held against the store as what this one has copied itself.
  const resumed = head === undefined ? marker === 'given up' : isGivenUp(head.head, state.head);
  if (!resumed) await (head === undefined ? checkEmpty(target, signal) : checkHead(head, state));
  // What a store has left behind may have one of a migration that came to nothing.
  const isFirst = head === undefined && !resumed;
  await take(target, state, instance, random, isFirst ? { ifAbsent: true, signal } : { signal });
  return { resumed, head };
}

/**
 * Takes the place where a store is to be re-encrypted, or finds it taken by the same migration.
 *
 * @param id of the migration
 * @returns whether it was taken before
 * @throws SecureStoreError `ALREADY_EXISTS` if something else is there; what the backend throws
 */
export async function occupyAnew(
  target: StorageBackend,
  state: StoreState,
  id: Uint8Array,
  random: RandomSource,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (await isTaken(target, state, id, signal)) return true;
  if ((await target.read(HEAD_NAME, { start: 0, end: 1, signal })) !== undefined) {
    throw targetTaken('the target already has a store');
  }
  await checkEmpty(target, signal);
  await take(target, state, id, random, { ifAbsent: true, signal });
  return false;
}

/** Whether a place is taken by this migration. @param id of the migration */
export async function isTaken(
  target: StorageBackend,
  state: StoreState,
  id: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return (await whoseMarker(target, state, id, signal)) === 'own';
}
