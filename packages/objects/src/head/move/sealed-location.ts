import type { Head, HeadMigration } from '@securestore/core-format';
import { HEAD_NAME, SecureStoreError, systemContext } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import { openSystemBody, sealSystemBody, unversioned } from '@securestore/crypto';
import type { StoreState } from '../store-state.ts';

/** The longest store URL that a head holds, in bytes. */
const MAX_STORE_URL_BYTES = 4096;

/** Bound to the instance that moves: the head that holds it says the rest. */
const contextOf = ({ instance }: Pick<Head, 'instance'>): Buffer => systemContext(instance, 0, HEAD_NAME);

/** What a store URL is sealed by, and bound to. */
interface Bound extends Pick<StoreState, 'keys'> {
  readonly head: Pick<Head, 'instance'>;
}

/** A store URL for the head of the store that moves there. @throws SecureStoreError `INVALID_ARGUMENT` if it is too long */
export function sealStoreUrl({ head, keys }: Bound, url: string, random: RandomSource): Buffer {
  const plaintext = Buffer.from(url, 'utf8');
  if (plaintext.length > MAX_STORE_URL_BYTES) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `the store URL must have at most ${MAX_STORE_URL_BYTES} bytes, got ${plaintext.length}`,
    );
  }
  const { suite } = keys.journal.primary;
  return sealSystemBody({ secret: keys.migration, suite }, 'migration', contextOf(head), plaintext, random);
}

/** The store URL that a head names; `undefined` if it names none, or does not tell. */
export function storeUrlOf({ head, keys }: Pick<StoreState, 'head' | 'keys'>): string | undefined {
  try {
    return head.migration && openStoreUrl({ head, keys }, head.migration);
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    return undefined;
  }
}

/** Where a store moves to, or has moved. @throws SecureStoreError `INTEGRITY` */
export function openStoreUrl({ head, keys }: Pick<StoreState, 'head' | 'keys'>, { location }: HeadMigration): string {
  const key = unversioned(keys.migration);
  const what = 'the store URL that the store moves to';
  return openSystemBody(what, key, head.suites, 'migration', contextOf(head), location).toString('utf8');
}
