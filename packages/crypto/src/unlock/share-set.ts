import { timingSafeEqual } from 'node:crypto';
import { copySecret, secretBytes, SecureStoreError } from '@securestore/core-format';
import type { UnlockSecretMethod, ShareScheme } from './unlock.ts';

// Shamir's secret sharing over GF(2⁸) by an audited library: any `threshold` shares give the secret, and fewer tell nothing.
const SECRET_BYTES = 32;
const SET_BYTES = 4;
const HEAD_BYTES = SET_BYTES + 2;
/** Set, threshold, number of shares; then the point as the library writes it: a byte for each of the secret, and its x. */
export const SHARE_BYTES: number = HEAD_BYTES + SECRET_BYTES + 1;
/** The x of the last share that a set could have. */
export const MAX_SHARES = 255;

/** A copy that can be wiped, as the library takes it: it takes no subclass, such as Buffer. */
function plain(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function invalid(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', reason);
}

export function wipeAll(secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

const pointOf = (share: Uint8Array): Uint8Array => share.subarray(HEAD_BYTES);
const xOf = (share: Uint8Array): number => share.at(-1) ?? 0;

/** New shares of a secret, with x from 1 in their order. The caller wipes them. */
export async function splitSecret(
  secret: Uint8Array,
  set: Uint8Array,
  { threshold, count }: ShareScheme,
): Promise<Buffer[]> {
  const { split } = await import('shamir-secret-sharing');
  const copy = plain(secret);
  // The library chooses each x by chance: of all that there can be, the first ones are kept.
  const points = await split(copy, MAX_SHARES, threshold);
  copy.fill(0);
  const kept = points.filter((point) => xOf(point) <= count).toSorted((a, b) => xOf(a) - xOf(b));
  const made = kept.map((point) => copySecret(Buffer.concat([set, Buffer.from([threshold, count]), point])));
  wipeAll(points);
  return made;
}

/** The value at `x` of the polynomials through the points; the caller wipes it. */
async function valueAt(points: readonly Uint8Array[], x: number): Promise<Uint8Array> {
  const known = points.find((point) => xOf(point) === x);
  if (known !== undefined) return plain(known.subarray(0, SECRET_BYTES));
  const { combine } = await import('shamir-secret-sharing');
  // The library gives the value at 0 alone. Subtraction in GF(2⁸) is XOR: so it gets the points as they are seen from x.
  const seen = points.map((point) => {
    const copy = plain(point);
    copy[SECRET_BYTES] = xOf(point) ^ x;
    return copy;
  });
  const value = await combine(seen);
  wipeAll(seen);
  return value;
}

/** Whether no set can have such a share: the point at 0 is the secret itself, and a slot of such numbers would make the head unreadable. */
function isImpossible(share: Uint8Array): boolean {
  const [threshold = 0, count = 0] = share.subarray(SET_BYTES);
  return share.length !== SHARE_BYTES || threshold < 2 || count < threshold || xOf(share) === 0 || xOf(share) > count;
}

/**
 * The scheme of the shares: they must be of one set, all different, and enough.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function schemeOf(shares: readonly Buffer[]): ShareScheme {
  const [first] = shares;
  if (first === undefined) return invalid('no share was given');
  const madeUp = shares.findIndex(isImpossible);
  if (madeUp >= 0) invalid(`share ${madeUp + 1} of those given was made up: no set has such a share`);
  const head = first.subarray(0, HEAD_BYTES);
  const stranger = shares.findIndex((share) => !share.subarray(0, HEAD_BYTES).equals(head));
  if (stranger >= 0) invalid(`share ${stranger + 1} of those given is of another set than the first one`);
  const [threshold = 0, count = 0] = head.subarray(SET_BYTES);
  if (new Set(shares.map(xOf)).size < shares.length) invalid('a share was given twice');
  if (shares.length < threshold) {
    const message = `${threshold} of the ${count} shares are needed, got ${shares.length}`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { advice: [{ id: 'give-more-shares' }] });
  }
  return { threshold, count };
}

/**
 * The shares of a method of shares, which the caller wipes.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for shares that are not of one set, and if there are none
 */
export async function sharesOf({ shares }: UnlockSecretMethod): Promise<Buffer[]> {
  if (shares === undefined) return invalid('the unlock method "shares" must give shares');
  const given = await shares();
  try {
    schemeOf(given);
    return given;
  } catch (error) {
    wipeAll(given);
    throw error;
  }
}

/** The points of as many shares as are needed; they are views. */
function enough(shares: readonly Buffer[]): Uint8Array[] {
  return shares.slice(0, schemeOf(shares).threshold).map(pointOf);
}

/**
 * Checks that the shares that are more than needed agree with those before them.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export async function checkAgreement(shares: readonly Buffer[]): Promise<void> {
  const points = enough(shares);
  for (const share of shares.slice(points.length)) {
    const value = await valueAt(points, xOf(share));
    const agrees = timingSafeEqual(value, pointOf(share).subarray(0, SECRET_BYTES));
    value.fill(0);
    if (!agrees) {
      invalid(
        'the shares given contradict each other: one of them was made up or changed. Only a store that they already open ' +
          'can tell which one.',
      );
    }
  }
}

/** The secret that as many as are needed of the shares give, the first ones. The caller wipes it. */
export async function combineShares(shares: readonly Buffer[]): Promise<Buffer> {
  const value = await valueAt(enough(shares), 0);
  const secret = copySecret(value);
  value.fill(0);
  return secret;
}

/** Every share of the set, in the order of their x, of which as many as are needed are given. The caller wipes them. */
export async function wholeSet(shares: readonly Buffer[]): Promise<Buffer[]> {
  const { count } = schemeOf(shares);
  const points = enough(shares);
  const whole: Buffer[] = [];
  for (let x = 1; x <= count; x++) {
    const share = secretBytes(SHARE_BYTES);
    const value = await valueAt(points, x);
    share.set(shares[0]?.subarray(0, HEAD_BYTES) ?? []);
    share.set(value, HEAD_BYTES);
    share.writeUInt8(x, SHARE_BYTES - 1);
    value.fill(0);
    whole.push(share);
  }
  return whole;
}
