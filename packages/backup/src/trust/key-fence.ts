import { asBuffer } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import type { Fence } from './known-tip.ts';
import { destinationsIn } from './registry.ts';

/** Whether a point was made with an older key than a fence asks for, in the place of the point that it names or after it. */
export function isBehind(
  fence: Fence | undefined,
  order: ReadonlyMap<string, number>,
  { number, digest, keyId }: Pick<FoundPoint, 'number' | 'digest' | 'keyId'>,
): boolean {
  if (fence === undefined || number < fence.number) return false;
  if (number === fence.number && (fence.digest === '' || digest.toString('hex') === fence.digest)) return false;
  // A member knows no key that was not granted: of what it has, none is newer than the fence then.
  return (order.get(keyId) ?? 0) < (order.get(fence.keyId) ?? Infinity);
}

/**
 * The fence that a list of destinations, of a store or of a copy of its head, says for one of them; `undefined` where there is none.
 *
 * @throws SecureStoreError `INTEGRITY`
 */
export function fenceIn(list: Uint8Array | undefined, { id }: Pick<Destination, 'id'>): Fence | undefined {
  const label = asBuffer(id).toString('hex');
  return destinationsIn(list).find((one) => one.id === label)?.fence;
}

/** Whether what the registry says of a destination asks for the key of now. */
export function isFenced({ seals, hasKeys }: BackupArea, fence: Fence | undefined): boolean {
  return hasKeys && fence?.keyId === seals.primaryId;
}
