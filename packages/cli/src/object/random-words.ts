import { randomBytes } from 'node:crypto';
import { WORDS } from './word-list.ts';

/** The number of words is a power of two, so that two random bytes favour none. */
const BITS = Math.log2(WORDS.length);
const BYTES = 2;

/** How many bits of entropy so many words have. */
export const bitsOfWords = (count: number): number => count * BITS;

/**
 * Random words with hyphens between them, each of them equally likely.
 *
 * @param random gives so many random bytes
 * @returns ASCII, to be wiped by the caller
 */
export function randomWords(count: number, random: (size: number) => Buffer = randomBytes): Buffer {
  const bytes = random(count * BYTES);
  const words = Array.from({ length: count }, (_, at) => WORDS[bytes.readUInt16BE(at * BYTES) % WORDS.length] ?? '');
  bytes.fill(0);
  // No text of all of them is made, since only bytes can be wiped.
  const text = Buffer.alloc(
    words.reduce((sum, { length }) => sum + length + 1, -1),
    '-',
  );
  let at = 0;
  for (const word of words) at += text.write(word, at, 'latin1') + 1;
  return text;
}
