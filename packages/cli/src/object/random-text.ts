import { randomBytes } from 'node:crypto';

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ALNUM = `${UPPER}${UPPER.toLowerCase()}0123456789`;

/** A set of characters that a secret is made of. */
export type Charset = 'alnum' | 'hex' | 'base64url' | 'symbols';

/** The characters of each set, all of them ASCII. The punctuation is without what ends or expands in double quotes of a shell. */
const CHARSETS: Readonly<Record<Charset, string>> = {
  alnum: ALNUM,
  hex: '0123456789abcdef',
  base64url: `${ALNUM}-_`,
  symbols: `${ALNUM}#%&()*+,-./:;<=>?@[]^_{|}~`,
};

/** How many bits of entropy a text of so many characters has. */
export function bitsOf(length: number, charset: Charset): number {
  return length * Math.log2(CHARSETS[charset].length);
}

/**
 * Random characters, each of them equally likely: bytes that would favour the first ones are rejected.
 *
 * @param random gives so many random bytes
 * @returns ASCII, to be wiped by the caller
 */
export function randomText(length: number, charset: Charset, random: (size: number) => Buffer = randomBytes): Buffer {
  const characters = Buffer.from(CHARSETS[charset]);
  const fair = 256 - (256 % characters.length);
  const text = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const bytes = random(length - filled);
    for (const byte of bytes) {
      if (byte < fair) text[filled++] = characters[byte % characters.length] ?? 0;
    }
    bytes.fill(0);
  }
  return text;
}
