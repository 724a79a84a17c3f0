import { createHash } from 'node:crypto';
import { SecureStoreError, secretBytes } from '@securestore/core-format';
import { label } from '../primitives/derive.ts';

// Secrets, and public keys, that people write down, read out and type are base 32 in the alphabet of Douglas Crockford, which leaves out the
// letters that look like digits (https://www.crockford.com/base32.html), in groups of four. All of it is bytes, never text,
// so that it can be wiped.
const ALPHABET = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 'latin1');
const VALUES = new Int8Array(128).fill(-1);
/** What people read for the digits 0 and 1. */
const MISREAD = [...Buffer.from('OIL', 'latin1')].map((code, index) => [index === 0 ? 0 : 1, code] as const);
const LOWER = 0x20;
for (const [value, code] of [...ALPHABET.entries(), ...MISREAD]) {
  VALUES[code] = value;
  VALUES[code | LOWER] = value;
}

const GROUP = 4;
const HYPHEN = 0x2d;
/** Spaces, line ends and hyphens may be anywhere. */
const IGNORED: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, HYPHEN]);
/** 20 bits: one mistake in a million is not noticed here, and then the secret is a wrong one. */
const CHECK_LENGTH = 4;

/** What a printed secret is; its first five characters tell. */
export type PrintedKind = 'recovery code' | 'share' | 'identity' | 'recipient';

const PREFIXES: Readonly<Record<PrintedKind, string>> = {
  'recovery code': 'SSRC1',
  share: 'SSSH1',
  identity: 'SSID1',
  recipient: 'SSRP1',
};
const PREFIX_LENGTH = 5;

function digitsOf(bytes: Uint8Array): number[] {
  const digits: number[] = [];
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) digits.push((value >>> (bits - 5)) & 31);
    value &= (1 << bits) - 1;
  }
  if (bits > 0) digits.push((value << (5 - bits)) & 31);
  return digits;
}

/** The bytes; `undefined` if the digits are not what {@link digitsOf} makes of any. */
function bytesOf(digits: readonly number[]): Buffer | undefined {
  const bytes = secretBytes(Math.floor((digits.length * 5) / 8));
  let at = 0;
  let bits = 0;
  let value = 0;
  for (const digit of digits) {
    value = (value << 5) | digit;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = value >>> bits;
    value &= (1 << bits) - 1;
  }
  return value === 0 && bits < 5 ? bytes : undefined;
}

function checkDigits(kind: PrintedKind, bytes: Uint8Array): number[] {
  const digest = createHash('sha256')
    .update(label(`printed ${kind}`))
    .update(bytes)
    .digest();
  return digitsOf(digest).slice(0, CHECK_LENGTH);
}

/** The printed form of a secret, as ASCII; the caller wipes both. */
export function printed(kind: PrintedKind, bytes: Uint8Array): Buffer {
  const digits = [...digitsOf(bytes), ...checkDigits(kind, bytes)];
  const text = secretBytes(PREFIX_LENGTH + digits.length + Math.ceil(digits.length / GROUP));
  let at = text.write(PREFIXES[kind], 'latin1');
  for (const [index, digit] of digits.entries()) {
    if (index % GROUP === 0) at = text.writeUInt8(HYPHEN, at);
    at = text.writeUInt8(ALPHABET.readUInt8(digit), at);
  }
  digits.fill(0);
  return text;
}

function invalid(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', reason);
}

const withArticle = (kind: PrintedKind): string => (kind === 'identity' ? 'an identity' : `a ${kind}`);

/** The characters that are not ignored; the caller wipes them. */
function withoutGaps(text: Uint8Array): Buffer {
  const codes = secretBytes(text.length);
  let length = 0;
  for (const code of text) if (!IGNORED.has(code)) codes[length++] = code;
  return codes.subarray(0, length);
}

/** The kind of a printed secret, by its first characters. */
function kindOf(codes: Uint8Array): PrintedKind | undefined {
  const start = Buffer.from(codes.subarray(0, PREFIX_LENGTH)).toString('latin1').toUpperCase();
  return (Object.keys(PREFIXES) as PrintedKind[]).find((kind) => PREFIXES[kind] === start);
}

/**
 * Reads a printed secret of `length` bytes, however it is grouped and whatever its case. The caller wipes both.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for a mistyped secret, or one of another kind; the error holds nothing of it
 */
export function readPrinted(kind: PrintedKind, text: Uint8Array, length: number): Buffer {
  const codes = withoutGaps(text);
  try {
    const found = kindOf(codes);
    if (found !== kind) {
      const other = found === undefined ? '' : `, got ${withArticle(found)}`;
      invalid(`the ${kind} must begin with ${PREFIXES[kind]}${other}`);
    }
    const digits = Array.from(codes.subarray(PREFIX_LENGTH), (code) => (code < 128 ? (VALUES[code] ?? -1) : -1));
    const wrong = digits.indexOf(-1);
    if (wrong >= 0) {
      invalid(`the ${kind} has an invalid character in group ${Math.floor(wrong / GROUP) + 1}`);
    }
    const bytes = bytesOf(digits.slice(0, -CHECK_LENGTH));
    if (bytes?.length !== length) invalid(`the ${kind} has the wrong length: a part of it is missing or repeated`);
    const holds = checkDigits(kind, bytes).every((digit, index) => digits.at(index - CHECK_LENGTH) === digit);
    if (holds) return bytes;
    bytes.fill(0);
    return invalid(`the ${kind} was mistyped: at least one character is wrong`);
  } finally {
    codes.fill(0);
  }
}
