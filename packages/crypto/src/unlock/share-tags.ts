import { timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { copySecret, SecureStoreError, SHARE_TAG_LENGTH } from '@securestore/core-format';
import type { SlotMethod } from '@securestore/core-format';
import { deriveBytes, takeKey } from '../primitives/derive.ts';
import { schemeOf, wholeSet, wipeAll } from './share-set.ts';

type SharesMethod = Extract<SlotMethod, { type: 'shares' }>;

/** Distinguishes a share from a changed one; to name the wrong share, 64 bits are enough. */
function shareTag(salt: KeyObject, share: Uint8Array): Buffer {
  return deriveBytes(salt, 'share tag', share).subarray(0, SHARE_TAG_LENGTH);
}

/** The tags of all shares of a set, of which as many as are needed are given, for a slot with this salt. */
export async function shareTags(shares: readonly Buffer[], salt: Uint8Array): Promise<Buffer> {
  const key = takeKey(copySecret(salt));
  const whole = await wholeSet(shares);
  const tags = Buffer.concat(whole.map((share) => shareTag(key, share)));
  wipeAll(whole);
  return tags;
}

/**
 * Those of the shares that are the slot's own, as many as are needed; `undefined` if there is none, so that the slot is that
 * of another set.
 *
 * @throws SecureStoreError `UNLOCK_FAILED` if some are, but not enough, with which ones are not
 */
export function ownShares(
  shares: readonly Buffer[],
  { salt, threshold, count, tags }: SharesMethod,
): Buffer[] | undefined {
  const scheme = schemeOf(shares);
  if (scheme.threshold !== threshold || scheme.count !== count) return undefined;
  const key = takeKey(copySecret(salt));
  const own: Buffer[] = [];
  const strangers: number[] = [];
  for (const [index, share] of shares.entries()) {
    const at = (share.readUInt8(share.length - 1) - 1) * SHARE_TAG_LENGTH;
    if (timingSafeEqual(shareTag(key, share), tags.subarray(at, at + SHARE_TAG_LENGTH))) own.push(share);
    else strangers.push(index + 1);
  }
  if (own.length >= threshold) return own.slice(0, threshold);
  if (own.length === 0) return undefined;
  throw new SecureStoreError('UNLOCK_FAILED', accusation(strangers), { advice: [{ id: 'check-unlock-secret' }] });
}

/** @param strangers their positions among those given, from 1 */
function accusation(strangers: readonly number[]): string {
  const [only] = strangers;
  if (strangers.length === 1) {
    return `share ${only} of those given is not one of this store: it was made up, changed or belongs to another set`;
  }
  const all = `${strangers.slice(0, -1).join(', ')} and ${strangers.at(-1)}`;
  return `shares ${all} of those given are not of this store: they were made up, changed or belong to another set`;
}
