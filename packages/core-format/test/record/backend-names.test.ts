import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  generationOf,
  historyName,
  historyPrefix,
  historyVersion,
  keyringName,
  objectName,
  partName,
  policyName,
} from '../../src/index.ts';
import { bytesOf } from '../support/arbitraries.ts';

const numbers = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const tokens = fc.stringMatching(/^[0-9a-v]{1,20}(\/[0-9a-v]{1,20}){0,2}$/);

describe('backend names', () => {
  it('[T-08] are lower-case ASCII of the expected shapes', () => {
    const blobId = Buffer.alloc(16);
    expect(objectName('tok')).toBe('o/tok');
    expect(historyName('tok', Number.MAX_SAFE_INTEGER)).toBe('h/tok./@00000000000');
    expect(partName('tok', blobId, 26)).toBe(`b/tok./@${'0'.repeat(26)}/0000001a`);
    expect(keyringName(1, blobId)).toBe(`k/00000000001-${'0'.repeat(26)}`);
    expect(policyName(32, blobId)).toBe(`p/00000000010-${'0'.repeat(26)}`);
  });

  it('[T-08] list the versions of an object newest first', () => {
    fc.assert(
      fc.property(tokens, numbers, numbers, (token, a, b) => {
        expect(historyName(token, a) < historyName(token, b)).toBe(a > b);
        expect(historyVersion(historyPrefix(token), historyName(token, a))).toBe(a);
      }),
    );
  });

  it('[T-08] list histories in the order of their objects', () => {
    fc.assert(
      fc.property(tokens, tokens, numbers, (a, b, version) => {
        expect(historyName(a, version) < historyName(b, version)).toBe(objectName(`${a}.`) < objectName(`${b}.`));
        if (a !== b) expect(historyPrefix(a).startsWith(historyPrefix(b))).toBe(false);
      }),
    );
  });

  it('refuse history names that nobody made', () => {
    const prefix = historyPrefix('tok');
    for (const name of [
      'h/tok',
      prefix,
      `${prefix}0`,
      `${prefix}0000000000w`,
      `${prefix}vvvvvvvvvvv`,
      `${prefix}000000000000`,
    ]) {
      expect(historyVersion(prefix, name), name).toBeUndefined();
    }
  });

  it('tell the generation of keyrings and policies, and of nothing else', () => {
    fc.assert(
      fc.property(numbers, bytesOf(16), (generation, random) => {
        expect(generationOf(keyringName(generation, random))).toBe(generation);
        expect(generationOf(policyName(generation, random))).toBe(generation);
      }),
    );
    for (const name of [
      '',
      'store',
      'o/00000000001-0',
      'k/1-0',
      'k/00000000001',
      'k/00000000001-',
      'k/vvvvvvvvvvv-0',
    ]) {
      expect(generationOf(name), name).toBeUndefined();
    }
  });
});
