import { MemoryBackend } from '@securestore/backend-memory';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRead, checkWrite, isBackendKey, isBackendKeyPrefix, resolveRange } from '../../src/index.ts';

const ALPHABET = 'abcxyz0189.@~-_'.split('');

/** The rule as the contract words it, without a pattern. */
function isKeyBySpecification(key: string): boolean {
  const components = key.split('/');
  return (
    Buffer.byteLength(key) <= 900 &&
    components.every((part) => part !== '' && part !== '.' && part !== '..' && part.length <= 220) &&
    /^[a-z0-9/.@~_-]*$/.test(key)
  );
}

const component = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 0, maxLength: 230 });
const keyLike = fc.array(component, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));

describe('isBackendKey', () => {
  it('accepts exactly what the contract says', () => {
    fc.assert(
      fc.property(fc.oneof(keyLike, fc.string({ unit: 'grapheme' })), (key) => {
        expect(isBackendKey(key)).toBe(isKeyBySpecification(key));
      }),
    );
  });

  it('refuses at once what is long and almost a key', () => {
    expect(isBackendKey(`${'a/'.repeat(100_000)}!`)).toBe(false);
    expect(isBackendKeyPrefix(`${'a/'.repeat(100_000)}!`)).toBe(false);
  });

  it.each([undefined, null, 1, {}, [], Symbol('key')])('refuses %s', (key) => {
    expect(isBackendKey(key)).toBe(false);
    expect(isBackendKeyPrefix(key)).toBe(false);
  });
});

describe('isBackendKeyPrefix', () => {
  it('accepts every beginning of a key', () => {
    fc.assert(
      fc.property(keyLike.filter(isBackendKey), fc.nat(), (key, length) => {
        expect(isBackendKeyPrefix(key.slice(0, length % (key.length + 1)))).toBe(true);
      }),
    );
  });

  it('refuses what no key can begin with', () => {
    fc.assert(
      fc.property(keyLike, (text) => {
        fc.pre(text.length < 890 && !/[^/]{219}$/.test(text));
        // Two letters complete any beginning that is short enough, and can't mend one that is wrong.
        expect(isBackendKeyPrefix(text)).toBe(isBackendKey(`${text}aa`));
      }),
    );
  });
});

describe('resolveRange', () => {
  it('is what slice does', () => {
    const offset = fc.option(fc.nat(50), { nil: undefined });
    fc.assert(
      fc.property(fc.nat(40), offset, offset, (size, start, end) => {
        fc.pre(start === undefined || end === undefined || start <= end);
        const options = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
        const range = resolveRange(size, options);
        const body = new Uint8Array(size).map((_, index) => index);
        expect(body.subarray(range.start, range.end)).toEqual(body.slice(start ?? 0, end ?? size));
        expect(range.whole).toBe(start === undefined && end === undefined);
      }),
    );
  });
});

describe('checkRead', () => {
  it('throws with the backend and the operation', () => {
    const { capabilities } = new MemoryBackend();
    const refusal = { code: 'INVALID_KEY', backend: 'probe', operation: 'read', retryable: false };
    expect(() => checkRead({ name: 'probe', capabilities }, 'No Key')).toThrowError(expect.objectContaining(refusal));
  });
});

function checkWriteWith(sha256: unknown): void {
  checkWrite(new MemoryBackend(), 'k', new Uint8Array(1), { sha256: sha256 as Uint8Array });
}

describe('checkWrite', () => {
  it.each([new Uint8Array(31), new Uint8Array(33), new Uint8Array(0), 'a'.repeat(32), null, 32, []])(
    'refuses %j as a digest',
    (sha256) => {
      expect(() => checkWriteWith(sha256)).toThrow(
        expect.objectContaining({
          code: 'INVALID_ARGUMENT',
          key: 'k',
          message: expect.stringContaining('"sha256" must be a Uint8Array of 32 bytes'),
        }),
      );
    },
  );

  it.each([undefined, new Uint8Array(32)])('takes %j as a digest', (sha256) => {
    expect(() => checkWriteWith(sha256)).not.toThrow();
  });
});
