// base32hex of RFC 4648, section 7, in lower case and without padding: it keeps the order of the bytes, and is
// the same on file systems that fold case.
const ALPHABET = Buffer.from('0123456789abcdefghijklmnopqrstuv', 'latin1');
const VALUES = new Int8Array(128).fill(-1);
for (const [value, code] of ALPHABET.entries()) VALUES[code] = value;

/** The number of characters that `count` bytes become. */
function base32Length(count: number): number {
  return Math.ceil((count * 8) / 5);
}

export function encodeBase32(bytes: Uint8Array): string {
  const out = Buffer.allocUnsafe(base32Length(bytes.length));
  let at = 0;
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out[at++] = ALPHABET[(value >>> bits) & 31] as number;
    }
    value &= (1 << bits) - 1;
  }
  if (bits > 0) out[at] = ALPHABET[(value << (5 - bits)) & 31] as number;
  return out.toString('latin1');
}

/** The bytes of `text`; `undefined` unless it is exactly what {@link encodeBase32} makes of them. */
export function decodeBase32(text: string): Buffer | undefined {
  const count = Math.floor((text.length * 5) / 8);
  if (base32Length(count) !== text.length) return undefined;
  const out = Buffer.allocUnsafe(count);
  let at = 0;
  let bits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const digit = code < 128 ? (VALUES[code] as number) : -1;
    if (digit < 0) return undefined;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = value >>> bits;
      value &= (1 << bits) - 1;
    }
  }
  return value === 0 ? out : undefined;
}

/** The number of characters of an encoded number. */
export const NUMBER_DIGITS = 11;

/** An integer from 0 to 2⁵³ − 1 in {@link NUMBER_DIGITS} digits, so that text order is the order of the numbers. */
export function encodeNumber(value: number): string {
  return value.toString(32).padStart(NUMBER_DIGITS, '0');
}

/** The inverse of {@link encodeNumber}; `undefined` for anything that it doesn't make. */
export function decodeNumber(text: string): number | undefined {
  if (text.length !== NUMBER_DIGITS || !/^[0-9a-v]+$/.test(text)) return undefined;
  const value = Number.parseInt(text, 32);
  return Number.isSafeInteger(value) ? value : undefined;
}
