import type { EncryptionKeyInfo } from '@securestore/objects';
import type { HealthThresholds } from '../report/thresholds.ts';
import type { HealthCheck } from '../report/types.ts';
import { finding, fine } from '../report/verdict.ts';
import { age as inWords } from '../report/words.ts';

const DAY = 24 * 60 * 60 * 1000;

const ROTATE = 'run "securestore rotate --same-secret"';

const KEEP_OPEN = ', or let a program keep the store open: it rotates them when that is due';

/**
 * Whether the keys that new objects are sealed with are as young as they should be.
 *
 * @param rotationDays after how many days the store makes new keys by itself; 0 for never
 * @param now milliseconds since 1970
 */
export function judgeKeys(
  keys: readonly EncryptionKeyInfo[],
  rotationDays: number,
  now: number,
  { maxKeyAge }: Required<HealthThresholds>,
): HealthCheck {
  const sealing = keys.filter(({ kind, state }) => kind === 'category' && state === 'primary');
  const oldest = sealing.reduce<EncryptionKeyInfo | undefined>(
    (a, b) => (a !== undefined && a.created <= b.created ? a : b),
    undefined,
  );
  if (oldest === undefined) return fine('keys', 'no key encrypts objects yet');
  const age = Math.max(0, now - oldest.created.getTime());
  const waiting = keys.filter(({ state }) => state === 'destroying');
  const details = { figures: { age, versions: keys.length, destroying: waiting.length } };
  // Whoever keeps the store open looks once an hour, and may be away for the night.
  const limit = maxKeyAge ?? (rotationDays === 0 ? Infinity : (rotationDays + 1) * DAY);
  const whose = oldest.category === undefined ? '' : ` (category ${JSON.stringify(oldest.category)})`;
  const what = `the oldest key that encrypts new objects${whose} is ${inWords(age)} old`;
  if (age > limit) {
    // A threshold may ask for it earlier than the store does, which may not do it by itself at all.
    const isByItself = rotationDays !== 0 && age > rotationDays * DAY;
    const advice = isByItself ? `${ROTATE}${KEEP_OPEN}` : ROTATE;
    return finding('keys', 'degraded', [`${what}: a rotation is due`, advice], details);
  }
  const destroying =
    waiting.length === 0 ? '' : `; ${waiting.length} wait to be destroyed, which can be undone until then`;
  const next =
    rotationDays === 0 ? 'the store rotates none by itself' : `the store rotates them after ${rotationDays} d`;
  return fine('keys', `${what}; ${next}${destroying}`, details);
}
