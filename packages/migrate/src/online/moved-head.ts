import { decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects/internal';
import { isInstance, isSameStore } from '@securestore/objects/internal';
import type { MigrationTarget } from './types.ts';

/**
 * The head that a store has left behind at a place. Only a hint: who has forged it has the store written to where nobody trusts it.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where the store has not left that place
 */
export async function readMovedHead(
  { head: now }: MigrationArea,
  { backend, location }: MigrationTarget,
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
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `${location} is not a place that the store has left for where it is now`,
  );
}
