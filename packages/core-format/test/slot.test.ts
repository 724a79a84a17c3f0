import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { decodeSlot, decodeSlotBox, encodeSlot, encodeSlotBox } from '../src/index.ts';
import { knownSlots, slotBoxes, unknownSlots } from './support/arbitraries.ts';
import { itObeysTheCodecLaws } from './support/codec-laws.ts';

describe('a slot', () => {
  itObeysTheCodecLaws({ values: knownSlots, encode: encodeSlot, decode: decodeSlot });
});

describe('a slot of a later release', () => {
  it('[S-01] is kept as it is, whatever it holds', () => {
    fc.assert(
      fc.property(unknownSlots, (slot) => {
        const parsed = decodeSlot(encodeSlot(slot));
        expect(parsed.method.type).toBe('unknown');
        expect(encodeSlot(parsed)).toEqual(Buffer.from(slot.raw));
      }),
    );
  });
});

describe('the box of a slot', () => {
  itObeysTheCodecLaws({ values: slotBoxes, encode: encodeSlotBox, decode: decodeSlotBox });
});
