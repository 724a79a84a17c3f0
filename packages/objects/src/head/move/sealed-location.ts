import type { Head, HeadMigration } from '@securestore/core-format';
import { HEAD_NAME, SecureStoreError, systemContext } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import { openSystemBody, sealSystemBody, unversioned } from '@securestore/crypto';
import type { StoreState } from '../store-state.ts';

/** The longest location that a head holds, in bytes. */
const MAX_LOCATION_BYTES = 4096;

/** Bound to the instance that moves: the head that holds it says the rest. */
const contextOf = ({ instance }: Pick<Head, 'instance'>): Buffer => systemContext(instance, 0, HEAD_NAME);

/** What a location is sealed by, and bound to. */
interface Bound extends Pick<StoreState, 'keys'> {
  readonly head: Pick<Head, 'instance'>;
}

/** A location for the head of the store that moves there. @throws SecureStoreError `INVALID_ARGUMENT` if it is too long */
export function sealLocation({ head, keys }: Bound, location: string, random: RandomSource): Buffer {
  const plaintext = Buffer.from(location, 'utf8');
  if (plaintext.length > MAX_LOCATION_BYTES) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `the location must have at most ${MAX_LOCATION_BYTES} bytes, got ${plaintext.length}`,
    );
  }
  const { suite } = keys.journal.primary;
  return sealSystemBody({ secret: keys.migration, suite }, 'migration', contextOf(head), plaintext, random);
}

/** The location that a head names; `undefined` if it names none, or does not tell. */
export function locationOf({ head, keys }: Pick<StoreState, 'head' | 'keys'>): string | undefined {
  try {
    return head.migration && openLocation({ head, keys }, head.migration);
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    return undefined;
  }
}

/** Where a store moves to, or has moved. @throws SecureStoreError `INTEGRITY` */
export function openLocation({ head, keys }: Pick<StoreState, 'head' | 'keys'>, { location }: HeadMigration): string {
  const key = unversioned(keys.migration);
  const what = 'the location that the store moves to';
  return openSystemBody(what, key, head.suites, 'migration', contextOf(head), location).toString('utf8');
}
