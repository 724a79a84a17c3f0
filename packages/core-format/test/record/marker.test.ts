import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MarkerState } from '../../src/index.ts';
import { decodeMarker, encodeMarker, markerName } from '../../src/index.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

describe('a collection marker', () => {
  itObeysTheCodecLaws({
    values: fc.constantFrom<MarkerState>('deleting', 'claimed'),
    encode: encodeMarker,
    decode: decodeMarker,
  });

  it('[M-01] has one of two states', () => {
    expect(encodeMarker('deleting')).toEqual(Buffer.from([1]));
    expect(encodeMarker('claimed')).toEqual(Buffer.from([2]));
    for (let byte = 0; byte < 256; byte++) {
      if (byte === 1 || byte === 2) continue;
      expect(() => decodeMarker(Buffer.from([byte]))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    }
    expect(() => decodeMarker(Buffer.alloc(0))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    expect(() => decodeMarker(Buffer.from([1, 1]))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
  });

  it('[T-08] lies under the token of its object and the id of its blob', () => {
    expect(markerName('tok', Buffer.alloc(16))).toBe(`g/tok./@${'0'.repeat(26)}`);
  });
});
