import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError, systemContext } from '@securestore/core-format';
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
  instance: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean | undefined> {
  const found = await target.read(MIGRATION_NAME, { signal });
  if (found === undefined) return undefined;
  try {
    const key = unversioned(state.keys.migration);
    const { suites } = state.head;
    const opened = openSystemBody('the migration', key, suites, 'migration', contextOf(state), found.body);
    return instance !== undefined && Buffer.compare(opened, instance) === 0;
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

/**
 * Looks at the place where a store is to move to, and changes nothing.
 *
 * @param instance that the store becomes there; `undefined` where none is decided, since it is not being moved
 * @returns whether it is the same migration's already
 * @throws SecureStoreError `ALREADY_EXISTS` where something else is there; what the backend throws
 */
export async function lookAtTarget(
  target: StorageBackend,
  state: StoreState,
  instance: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<Occupied> {
  const head = await readHead(target, signal);
  if (head !== undefined && !isOfStore(head, state)) throw occupied('there is another store here already');
  const isOwn = await isOwnMarker(target, state, instance, signal);
  const isLanded = head !== undefined && instance !== undefined && Buffer.compare(head.head.instance, instance) === 0;
  if (isOwn === true || isLanded) return { resumed: true, head };
  if (head !== undefined && head.head.state !== 'moved') {
    throw occupied(
      Buffer.compare(head.head.instance, state.head.instance) === 0
        ? 'this is the place where the store is'
        : 'a copy of the store is here already, such as a restored one',
    );
  }
  if (head === undefined && isOwn === false) {
    throw occupied('another migration to this location was begun and not finished');
  }
  if (head === undefined && (await hasRemains(target, signal))) {
    throw occupied('there are objects of a store here whose head is missing');
  }
  return { resumed: false, head };
}

/**
 * Takes the place where a store is to move to, or finds it taken by the same migration.
 *
 * @param instance that the store becomes there
 * @throws SecureStoreError as {@link lookAtTarget}
 */
export async function occupy(
  target: StorageBackend,
  state: StoreState,
  instance: Uint8Array,
  random: RandomSource,
  signal: AbortSignal | undefined,
): Promise<Occupied> {
  const found = await lookAtTarget(target, state, instance, signal);
  if (found.resumed) return found;
  const key = { secret: state.keys.migration, suite: state.keys.journal.primary.suite };
  const body = sealSystemBody(key, 'migration', contextOf(state), instance, random);
  // What a store has left behind may have one of a migration that came to nothing.
  await target.write(MIGRATION_NAME, body, found.head === undefined ? { ifAbsent: true, signal } : { signal });
  return found;
}
