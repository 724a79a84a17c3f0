import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { decodeSlot, decodeSlotBox, encodeSlot, encodeSlotBox, SLOT_BOX_LENGTH } from '../src/index.ts';
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

describe('a slot of shares', () => {
  it.each([
    [0, 3],
    [1, 3],
    [4, 3],
    [2, 0],
  ])('[S-06] that needs %i of %i is refused', (threshold, count) => {
    const slot = {
      id: Buffer.alloc(16, 1),
      created: 1,
      publicKey: Buffer.alloc(32),
      method: { type: 'shares', salt: Buffer.alloc(16), threshold, count },
      binding: Buffer.alloc(32),
      sealedRoot: Buffer.alloc(SLOT_BOX_LENGTH),
    } as const;
    expect(() => decodeSlot(encodeSlot(slot))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
  });
});

const slotOf = (wrapperId: string, length: number): Uint8Array =>
  encodeSlot({
    id: Buffer.alloc(16, 1),
    created: 1,
    publicKey: Buffer.alloc(32),
    method: { type: 'keyWrapper', wrapperId, wrappedSeed: Buffer.alloc(length) },
    sealedRoot: Buffer.alloc(SLOT_BOX_LENGTH),
  });

describe('a slot of a key wrapper', () => {
  it.each([
    ['a', 1],
    ['a'.repeat(255), 2048],
  ])('[S-09] with an id and a wrapped seed of its bounds is read', (wrapperId, length) => {
    expect(decodeSlot(slotOf(wrapperId, length))).toMatchObject({ method: { wrapperId } });
  });

  it.each([
    ['', 1],
    ['a', 0],
    ['a', 2049],
  ])('[S-09] with the id %j and a wrapped seed of %i bytes is refused', (wrapperId, length) => {
    expect(() => decodeSlot(slotOf(wrapperId, length))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
  });
});
