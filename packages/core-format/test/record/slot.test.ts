import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import {
  decodeSlot,
  decodeSlotBox,
  encodeSlot,
  encodeSlotBox,
  SHARE_TAG_LENGTH,
  SLOT_BOX_LENGTH,
} from '../../src/index.ts';
import { knownSlots, slotBoxes, unknownSlots } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

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
      method: {
        type: 'shares',
        salt: Buffer.alloc(16),
        threshold,
        count,
        tags: Buffer.alloc(count * SHARE_TAG_LENGTH),
      },
      binding: Buffer.alloc(32),
      sealedRoot: Buffer.alloc(SLOT_BOX_LENGTH),
    } as const;
    expect(() => decodeSlot(encodeSlot(slot))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
  });

  it('[S-12] has a share tag for each share, no more and no fewer', () => {
    const slot = {
      id: Buffer.alloc(16, 1),
      created: 1,
      publicKey: Buffer.alloc(32),
      method: {
        type: 'shares',
        salt: Buffer.alloc(16),
        threshold: 2,
        count: 3,
        tags: Buffer.from('1st tag.2nd tag.3rd tag.'),
      },
      binding: Buffer.alloc(32),
      sealedRoot: Buffer.alloc(SLOT_BOX_LENGTH),
    } as const;
    const encoded = encodeSlot(slot);
    expect(encoded.subarray(73, 99).toString('latin1')).toBe('\x02\x031st tag.2nd tag.3rd tag.');
    expect(decodeSlot(encoded)).toMatchObject({ method: slot.method });
    for (const tags of [slot.method.tags.subarray(8), Buffer.alloc(32)]) {
      expect(() => encodeSlot({ ...slot, method: { ...slot.method, tags } })).toThrow();
    }
    // A share tag less, or more, than the number of shares says.
    const less = Buffer.concat([encoded.subarray(0, 91), encoded.subarray(99)]);
    const more = Buffer.concat([encoded.subarray(0, 99), Buffer.alloc(8), encoded.subarray(99)]);
    for (const bytes of [less, more]) {
      expect(() => decodeSlot(bytes)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    }
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
