import { decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects/internal';
import { isInstance, isSameStore } from '@securestore/objects/internal';
import type { MigrationTarget } from './types.ts';

/**
 * The head that a store has left at its former source. Only a hint: an attacker who forges it has ciphertexts written to a store URL that
 * is not trusted.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if the store has not left that store URL
 */
export async function readMovedHead(
  { head: now }: MigrationArea,
  { backend, url }: MigrationTarget,
  signal: AbortSignal | undefined,
): Promise<Head> {
  const found = await backend.read(HEAD_NAME, { signal });
  const head = found && decodeHead(found.body).head;
  const isLeft =
    head?.state === 'moved' &&
    isSameStore(head, now) &&
    head.migration !== undefined &&
    isInstance(head.migration, now);
  if (isLeft) return head;
  throw new SecureStoreError('INVALID_ARGUMENT', `${url} is not a former source of the store`);
}
