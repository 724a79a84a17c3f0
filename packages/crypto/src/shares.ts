import { copySecret, SecureStoreError } from '@securestore/core-format';
import { printed, readPrinted } from './printed.ts';
import { randomPool } from './random.ts';
import type { SecretMethod, SecretSource, ShareScheme } from './unlock.ts';
import { secretText } from './unlock.ts';

// Shamir's secret sharing over GF(2⁸) by an audited library: any `threshold` shares give the secret, and fewer tell nothing.
const SECRET_BYTES = 32;
const SET_BYTES = 4;
/** Set, threshold, number of shares; then the point of the library: a byte for each of the secret, and its x. */
const SHARE_BYTES: number = SET_BYTES + 2 + SECRET_BYTES + 1;
const MAX_SHARES = 255;

/** A copy that can be wiped, as the library takes it: it takes no subclass, such as Buffer. */
function plain(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function invalid(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', reason);
}

/**
 * New shares of a new secret, each as the ASCII text that is to be printed: any `threshold` of them, given to
 * {@link shares}, unlock a store whose slot was made by as many. Each goes to somebody else; wipe them when they are printed.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for numbers that can't be
 */
export async function generateShares({ threshold, count }: ShareScheme): Promise<Buffer[]> {
  if (!Number.isInteger(count) || count < 2 || count > MAX_SHARES) invalid('the number of shares must be 2 to 255');
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > count) {
    invalid(`the threshold must be 2 to the number of shares, ${count}: with 1, each share would be the secret itself`);
  }
  const { split } = await import('shamir-secret-sharing');
  const random = randomPool();
  const bytes = random(SECRET_BYTES);
  const secret = plain(bytes);
  bytes.fill(0);
  const head = Buffer.concat([random(SET_BYTES), Buffer.from([threshold, count])]);
  const points = await split(secret, count, threshold);
  secret.fill(0);
  return points.map((point) => {
    const share = Buffer.concat([head, point]);
    point.fill(0);
    const text = printed('share', share);
    share.fill(0);
    return text;
  });
}

async function readShares(sources: readonly SecretSource[]): Promise<Buffer[]> {
  const read: Buffer[] = [];
  try {
    for (const [index, source] of sources.entries()) {
      const text = await secretText(source, 'a share')();
      try {
        read.push(readPrinted('share', text, SHARE_BYTES));
      } catch (error) {
        if (!SecureStoreError.is(error)) throw error;
        throw new SecureStoreError(error.code, `share ${index + 1} of those given: ${error.message}`);
      } finally {
        text.fill(0);
      }
    }
    return read;
  } catch (error) {
    for (const share of read) share.fill(0);
    throw error;
  }
}

/** What no set of shares has. A slot of such numbers would make the head unreadable, and the point at 0 is the secret itself. */
function isImpossible(share: Buffer): boolean {
  const [threshold = 0, count = 0] = share.subarray(SET_BYTES);
  return threshold < 2 || count < threshold || share.at(-1) === 0;
}

/** What the shares say of themselves; they must be of one set, all different, and enough. */
function schemeOf(read: readonly Buffer[]): ShareScheme {
  const [first] = read;
  if (first === undefined) return invalid('no share was given');
  const forged = read.findIndex(isImpossible);
  if (forged >= 0) invalid(`share ${forged + 1} of those given was made up: no set has such a share`);
  const head = first.subarray(0, SET_BYTES + 2);
  const stranger = read.findIndex((share) => !share.subarray(0, SET_BYTES + 2).equals(head));
  if (stranger >= 0) invalid(`share ${stranger + 1} of those given is of another set than the first one`);
  const [threshold = 0, count = 0] = head.subarray(SET_BYTES);
  if (new Set(read.map((share) => share.at(-1))).size < read.length) invalid('a share was given twice');
  if (read.length < threshold) invalid(`${threshold} of the ${count} shares are needed, and ${read.length} were given`);
  return { threshold, count };
}

/** What `use` makes of shares that are of one set and enough; they are wiped. */
async function withShares<T>(
  sources: readonly SecretSource[],
  use: (read: readonly Buffer[], scheme: ShareScheme) => T | Promise<T>,
): Promise<T> {
  const read = await readShares(sources);
  try {
    return await use(read, schemeOf(read));
  } finally {
    for (const share of read) share.fill(0);
  }
}

async function combined(read: readonly Buffer[], { threshold }: ShareScheme): Promise<Buffer> {
  const { combine } = await import('shamir-secret-sharing');
  // More than are needed could only contradict each other.
  const points = read.slice(0, threshold).map((share) => plain(share.subarray(SET_BYTES + 2)));
  const combination = await combine(points);
  for (const point of points) point.fill(0);
  const secret = copySecret(combination);
  combination.fill(0);
  return secret;
}

/**
 * Unlocks by shares of {@link generateShares}: as many as their threshold, in any order. A share that was made up, or changed
 * so that its check still holds, gives a wrong secret, which is told only when the store is opened.
 */
export function shares(sources: readonly SecretSource[]): SecretMethod {
  return {
    type: 'shares',
    secret: () => withShares(sources, combined),
    scheme: () => withShares(sources, (_, scheme) => scheme),
  };
}
