import { createSecretKey } from 'node:crypto';
import type { Naming, StoreKey } from '@securestore/core-format';
import { decodeBase32, encodeBase32, parseStoreKey } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HmacKey, NameCipher } from '../../src/index.ts';
import { bytesFrom } from '../support/fixtures.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

const keys = {
  mac: new HmacKey(bytesFrom('mac', 32)),
  encryption: createSecretKey(bytesFrom('encryption', 32)),
};
const root = bytesFrom('lineage', 16);
const cipherFor = (naming: Naming): NameCipher => new NameCipher(keys, naming, root);

const segments = fc
  .oneof(fc.string({ unit: ANY_CHARACTER, minLength: 1, maxLength: 12 }), fc.stringMatching(/^[a-z0-9]{1,150}$/))
  .map((text) => text.normalize('NFC').replaceAll(/[/\p{Cc}\p{Cs}]/gu, 'x'))
  .filter((text) => text !== '.' && text !== '..');

const storeKeys: fc.Arbitrary<StoreKey> = fc
  .array(segments, { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join('/'))
  .filter((key) => key.normalize('NFC') === key && Buffer.byteLength(key) <= 1024)
  .map((key) => parseStoreKey(key));

const key = (name: string): StoreKey => parseStoreKey(name);

const refused = (cipher: NameCipher, token: string): void => {
  expect(() => cipher.open(token), token).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
};

for (const naming of ['encrypted', 'plain'] as const) {
  describe(`${naming} names`, () => {
    it('[T-02] [T-04] open to the key that they were made of, or say that the record tells it', () => {
      const cipher = cipherFor(naming);
      fc.assert(
        fc.property(storeKeys, (name) => {
          const { token, nameId } = cipher.locate(name);
          expect(token).toMatch(/^[a-z0-9/~_]+$/);
          expect(nameId).toHaveLength(16);
          const opened = cipher.open(token);
          if ('hidden' in opened) expect(token.endsWith(`~${encodeBase32(nameId)}`)).toBe(true);
          else expect(opened.name).toBe(name);
        }),
        { numRuns: 500 },
      );
    });

    it('[T-02] open many at once as each by itself, foreign ones among them', () => {
      const cipher = cipherFor(naming);
      const tokens = fc.oneof(
        storeKeys.map((name) => cipher.locate(name).token),
        fc.stringMatching(/^[a-z0-9/_~]{0,60}$/),
      );
      const byItself = (token: string): unknown => {
        try {
          return cipherFor(naming).open(token);
        } catch (error) {
          return error;
        }
      };
      fc.assert(
        fc.property(fc.array(tokens, { maxLength: 20 }), (all) => {
          expect(cipher.openAll(all)).toEqual(all.map(byItself));
        }),
        { numRuns: 200 },
      );
    });

    it('are the same every time, whatever was asked before', () => {
      const used = cipherFor(naming);
      fc.assert(
        fc.property(storeKeys, (name) => {
          expect(used.locate(name)).toEqual(cipherFor(naming).locate(name));
        }),
        { numRuns: 200 },
      );
    });

    it('are different for different keys', () => {
      const cipher = cipherFor(naming);
      const seen = new Map<string, string>();
      fc.assert(
        fc.property(storeKeys, (name) => {
          const { token } = cipher.locate(name);
          expect(seen.get(token) ?? name).toBe(name);
          seen.set(token, name);
        }),
        { numRuns: 1000 },
      );
    });

    it('[T-05] open no token that is the token of no key', () => {
      const cipher = cipherFor(naming);
      const close = fc
        .tuple(storeKeys, fc.nat({ max: 599 }), fc.constantFrom('a', '0', 'v', '/', '_', '~', '2f'))
        .map(([name, at, character]) => {
          const { token } = cipher.locate(name);
          const start = at % (token.length + 1);
          return token.slice(0, start) + character + token.slice(start + (at % 2));
        });
      fc.assert(
        fc.property(fc.oneof(close, fc.stringMatching(/^[a-z0-9/_~]{0,60}$/)), (token) => {
          let opened: ReturnType<NameCipher['open']>;
          try {
            opened = cipher.open(token);
          } catch (error) {
            expect(error).toMatchObject({ code: 'INTEGRITY' });
            return;
          }
          if ('hidden' in opened) return;
          let name: StoreKey;
          try {
            name = parseStoreKey(opened.name);
          } catch {
            // With plain names a backend may plant names that are no keys; whoever lists checks them.
            expect(naming).toBe('plain');
            return;
          }
          expect(cipher.locate(name).token).toBe(token);
        }),
        { numRuns: 2000 },
      );
    });

    it('[T-03] keep to 200 characters a segment and 600 in all, then fall back to one token', () => {
      const cipher = cipherFor(naming);
      // 109 bytes of segment and 16 of S are 200 characters.
      const longest = naming === 'plain' ? 200 : 109;
      const at = cipher.locate(key(`f/${'x'.repeat(longest)}`));
      expect(at.token.split('/')[1]).toHaveLength(200);
      const over = cipher.locate(key(`f/${'x'.repeat(longest + 1)}`));
      const folder = at.token.split('/')[0];
      expect(over.token).toBe(`${folder}/~${encodeBase32(over.nameId)}`);
      const below = cipher.locate(key(`f/${'x'.repeat(longest + 1)}/y/z`));
      expect(below.token).toBe(`${folder}/~${encodeBase32(below.nameId)}`);
      fc.assert(
        fc.property(storeKeys, (name) => {
          const { token, nameId } = cipher.locate(name);
          const last = `~${encodeBase32(nameId)}`;
          const shown = token.endsWith(last) ? token.slice(0, Math.max(0, token.length - last.length - 1)) : token;
          expect(shown.length).toBeLessThanOrEqual(600);
          for (const part of token.split('/')) expect(part.length).toBeLessThanOrEqual(200);
        }),
        { numRuns: 200 },
      );
    });

    it('[T-03] of folders show as far as they fit', () => {
      const cipher = cipherFor(naming);
      const { token } = cipher.locate(key('a/b'));
      const [folder = ''] = token.split('/');
      expect(cipher.visibleFolder('a/')).toBe(folder);
      expect(cipher.visibleFolder('a/b')).toBe(folder);
      expect(cipher.visibleFolder('a')).toBe('');
      expect(cipher.visibleFolder('')).toBe('');
      expect(cipher.visibleFolder(`a/${'x'.repeat(300)}/y`)).toBe(folder);
      expect(cipher.visibleFolder('a/b/c')).toBe(token);
    });

    it('[T-01] have one name id per key in both namings', () => {
      fc.assert(
        fc.property(storeKeys, (name) => {
          expect(cipherFor('plain').locate(name).nameId).toEqual(cipherFor('encrypted').locate(name).nameId);
        }),
        { numRuns: 100 },
      );
    });

    it('[T-05] refuse tokens of an impossible shape', () => {
      const cipher = cipherFor(naming);
      const { token } = cipher.locate(key('a/b'));
      for (const bad of [
        '',
        '/',
        `/${token}`,
        `${token}/`,
        token.replace('/', '//'),
        '~/a',
        `~0/${token}`,
        `${token}./@0`,
      ]) {
        refused(cipher, bad);
      }
    });
  });
}

describe('encrypted names', () => {
  const cipher = cipherFor('encrypted');

  it('[T-02] are refused where S is not that of what they decrypt to', () => {
    const { token } = cipher.locate(key('db/prod'));
    const [folder = '', leaf = ''] = token.split('/');
    const bytes = decodeBase32(leaf) ?? Buffer.alloc(0);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      refused(cipherFor('encrypted'), `${folder}/${encodeBase32(changed)}`);
    }
    refused(cipher, encodeBase32(bytes.subarray(0, 16)));
    refused(cipher, encodeBase32(Buffer.concat([bytes, Buffer.alloc(1)])));
  });

  it('[T-02] are refused below another folder', () => {
    const [, leaf = ''] = cipher.locate(key('a/x')).token.split('/');
    const [other = ''] = cipher.locate(key('b/x')).token.split('/');
    refused(cipher, `${other}/${leaf}`);
    refused(cipher, leaf);
    expect(cipher.locate(key('b/x')).token.split('/')[1]).not.toBe(leaf);
  });

  it('show nothing of the text', () => {
    expect(cipher.locate(key('password')).token).not.toContain('password');
    expect(
      cipher
        .locate(key('a/a/a'))
        .token.split('/')
        .every((part, at, all) => all.indexOf(part) === at),
    ).toBe(true);
  });

  it("[T-06] of the store's own objects are reached by no key of a user", () => {
    const own = new NameCipher(keys, 'encrypted', bytesFrom('own', 16));
    const user = cipher.locate(key('policy'));
    const system = own.locate(key('policy'));
    expect(system.token).not.toBe(user.token);
    expect(system.nameId).not.toEqual(user.nameId);
    refused(own, user.token);
    refused(cipher, system.token);
  });

  it('are of no use under other keys', () => {
    const { token } = cipher.locate(key('a'));
    const others = { mac: new HmacKey(bytesFrom('encryption', 32)), encryption: createSecretKey(bytesFrom('mac', 32)) };
    refused(new NameCipher(others, 'encrypted', root), token);
    refused(new NameCipher({ ...keys, encryption: others.encryption }, 'encrypted', root), token);
    refused(new NameCipher({ ...keys, mac: others.mac }, 'encrypted', root), token);
  });

  it('are forgotten when the cipher is closed, and found again', () => {
    const closed = cipherFor('encrypted');
    const before = closed.locate(key('a/b/c'));
    closed.open(before.token);
    closed.close();
    expect(closed.locate(key('a/b/c'))).toEqual(before);
  });
});

describe('plain names', () => {
  it('[T-04] are readable, and the rest is escaped', () => {
    const cipher = cipherFor('plain');
    expect(cipher.locate(key('db/prod1')).token).toBe('db/prod1');
    expect(cipher.locate(key('A_b.c/~')).token).toBe('_41_5fb_2ec/_7e');
    expect(cipher.locate(key('ü')).token).toBe('_c3_bc');
  });

  it('[T-04] have one form, and refuse what no key could have become', () => {
    const cipher = cipherFor('plain');
    expect(cipher.open('_4a')).toEqual({ name: 'J' });
    for (const bad of ['_61', '_4', '_', '_4G', '_A1', 'A', 'a_2fb', '_ff', '_c3', '_ed_a0_80', 'x'.repeat(201)]) {
      refused(cipher, bad);
    }
    refused(cipher, Array.from({ length: 20 }, () => 'x'.repeat(40)).join('/'));
  });
});
