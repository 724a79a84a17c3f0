import { isUtf8 } from 'node:buffer';

const PLAIN = /^[a-z0-9]$/;
const ESCAPES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return PLAIN.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
});

/** Readable names, for stores that opted out of encrypted ones: `a-z0-9` as they are, every other byte as `_xx`. */
export function encodePlainSegment(segment: Uint8Array): string {
  let token = '';
  for (const byte of segment) token += ESCAPES[byte];
  return token;
}

/** The inverse of {@link encodePlainSegment}; `undefined` for anything that it doesn't make of a segment of text. */
export function decodePlainSegment(token: string): Buffer | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < token.length;) {
    if (token[at] === '_') {
      const byte = Number.parseInt(token.slice(at + 1, at + 3), 16);
      if (Number.isNaN(byte) || ESCAPES[byte] !== token.slice(at, at + 3)) return undefined;
      bytes.push(byte);
      at += 3;
    } else {
      if (!PLAIN.test(token.charAt(at))) return undefined;
      bytes.push(token.charCodeAt(at));
      at += 1;
    }
  }
  const segment = Buffer.from(bytes);
  return segment.length === 0 || segment.includes('/') || !isUtf8(segment) ? undefined : segment;
}
