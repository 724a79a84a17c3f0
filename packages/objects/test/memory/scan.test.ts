import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Pieces } from './scan.ts';

const PAGE = 4096;

/** Every place where 16 bytes of a needle lie that begin at a multiple of 8 in it, looked for byte by byte. */
function byteByByte(needle: Buffer, memory: Buffer): string[] {
  const found: string[] = [];
  for (let offset = 0; offset + 16 <= needle.length; offset += 8) {
    const piece = needle.subarray(offset, offset + 16);
    for (let at = memory.indexOf(piece); at !== -1; at = memory.indexOf(piece, at + 1)) found.push(`${offset} ${at}`);
  }
  return found.toSorted();
}

it('finds pieces of a needle wherever they lie, each once', () => {
  const needle = fc.uint8Array({ minLength: 16, maxLength: 48 });
  const places = fc.array(fc.nat(3 * PAGE), { maxLength: 12 });
  fc.assert(
    fc.property(needle, places, fc.nat(255), fc.boolean(), (bytes, starts, filler, isUsed) => {
      const memory = Buffer.alloc(3 * PAGE, isUsed ? filler : 0);
      for (const start of starts) memory.set(bytes.subarray(0, Math.max(0, memory.length - start)), start);
      const pieces = new Pieces([{ what: 'key', bytes: Buffer.from(bytes) }]);
      const found = [...pieces.in(memory)].map(({ offset, at }) => `${offset} ${at}`);
      expect(found.toSorted()).toEqual(byteByByte(Buffer.from(bytes), memory));
    }),
    { examples: [[new Uint8Array(16).fill(1), [PAGE - 15, PAGE - 8, PAGE - 1, 3 * PAGE - 16], 0, false]] },
  );
});
