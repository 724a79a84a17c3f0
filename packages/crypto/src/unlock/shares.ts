import { SecureStoreError } from '@securestore/core-format';
import { printed, readPrinted } from './printed.ts';
import { randomPool } from '../primitives/random.ts';
import { checkAgreement, combineShares, MAX_SHARES, schemeOf, SHARE_BYTES, splitSecret, wipeAll } from './share-set.ts';
import type { UnlockSecretMethod, UnlockSecretSource, ShareScheme } from './unlock.ts';
import { secretText } from './unlock.ts';

const SECRET_BYTES = 32;
const SET_BYTES = 4;

function invalid(option: keyof ShareScheme, rule: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the option "${option}" must be a whole number ${rule}`, { option });
}

/**
 * New shares of a new secret, each as the ASCII text that is to be printed: any `threshold` of them, given to
 * {@link shares}, unlock a store whose slot was made by as many. Each goes to another person; wipe them when they are printed.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for impossible numbers
 */
export async function generateShares({ threshold, count }: ShareScheme): Promise<Buffer[]> {
  if (!Number.isInteger(count) || count < 2 || count > MAX_SHARES) invalid('count', `from 2 to ${MAX_SHARES}`);
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > count) {
    // With a threshold of 1, each share would be the secret itself.
    invalid('threshold', `from 2 to the number of shares, ${count}`);
  }
  const random = randomPool();
  const secret = random(SECRET_BYTES);
  const made = await splitSecret(secret, random(SET_BYTES), { threshold, count });
  secret.fill(0);
  const texts = made.map((share) => printed('share', share));
  wipeAll(made);
  return texts;
}

async function readShares(sources: readonly UnlockSecretSource[]): Promise<Buffer[]> {
  const read: Buffer[] = [];
  try {
    for (const [index, source] of sources.entries()) {
      const text = await secretText(source, 'a share')();
      try {
        read.push(readPrinted('share', text, SHARE_BYTES));
      } catch (error) {
        if (!SecureStoreError.is(error)) throw error;
        throw SecureStoreError.from(error, { message: `share ${index + 1} of those given: ${error.message}` });
      } finally {
        text.fill(0);
      }
    }
    schemeOf(read);
    return read;
  } catch (error) {
    wipeAll(read);
    throw error;
  }
}

async function secretOf(sources: readonly UnlockSecretSource[]): Promise<Buffer> {
  const read = await readShares(sources);
  try {
    await checkAgreement(read);
    return await combineShares(read);
  } finally {
    wipeAll(read);
  }
}

/**
 * Unlocks by shares of {@link generateShares}: as many as their threshold, in any order. A share that was made up, or changed
 * so that its check still holds, is named when the store is opened; if enough others are given, they open it.
 */
export function shares(sources: readonly UnlockSecretSource[]): UnlockSecretMethod {
  return { type: 'shares', secret: () => secretOf(sources), shares: () => readShares(sources) };
}
