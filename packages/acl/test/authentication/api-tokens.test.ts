import { createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, test } from 'vitest';
import type { Authenticator, StoredToken } from '../../src/index.ts';
import { apiTokens, authenticate, createToken, parsePrincipalName } from '../../src/index.ts';

const NOW = 1_000_000;
const KEY = createSecretKey(randomBytes(32));
const UNAUTHENTICATED = expect.objectContaining({ code: 'UNAUTHENTICATED' });
const about = { principal: parsePrincipalName('deployer'), now: NOW };

function kept(...tokens: StoredToken[]): Map<string, StoredToken> {
  return new Map(tokens.map((token) => [token.id, token]));
}

describe('an API token', () => {
  test('is known as long as it is kept, and until it expires', async () => {
    const { token, stored } = createToken(KEY, randomBytes, { ...about, expires: NOW + 10 });
    const tokens = kept(stored);
    const authenticators = [
      apiTokens(
        () => KEY,
        () => tokens,
      ),
    ];
    expect(await authenticate(authenticators, { token }, { now: NOW + 9 })).toEqual({
      principal: 'deployer',
      until: NOW + 10,
      holds: expect.any(Function),
    });
    await expect(authenticate(authenticators, { token }, { now: NOW + 10 })).rejects.toEqual(UNAUTHENTICATED);
    tokens.delete(stored.id);
    await expect(authenticate(authenticators, { token }, { now: NOW })).rejects.toEqual(UNAUTHENTICATED);
  });

  test('has an id that no command line takes for an option', () => {
    for (let first = 0; first < 256; first++) {
      const random = (length: number): Uint8Array => Buffer.alloc(length, first);
      expect(createToken(KEY, random, about).stored.id).toMatch(/^[A-Za-z][\w-]{10}$/);
    }
  });

  test('is in nothing that is kept, and can be checked with the key alone', async () => {
    const { token, stored } = createToken(KEY, randomBytes, about);
    const [, , secret = ''] = /^(sst_.{11})_(.{43})$/.exec(token) ?? [];
    expect(secret).toHaveLength(43);
    expect(JSON.stringify(stored)).not.toContain(secret);
    expect(JSON.stringify(stored)).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
    const another = createSecretKey(randomBytes(32));
    const other = apiTokens(
      () => another,
      () => kept(stored),
    );
    await expect(authenticate([other], { token }, { now: NOW })).rejects.toEqual(UNAUTHENTICATED);
  });

  test('is refused where any character is another one, or is missing, or is too many', async () => {
    const { token, stored } = createToken(KEY, randomBytes, about);
    const authenticators = [
      apiTokens(
        () => KEY,
        () => kept(stored),
      ),
    ];
    const wrong = [
      `${token}A`,
      token.slice(0, -1),
      `${token} `,
      token.replace('sst_', 'sst_A'),
      `${token}\n`,
      'sst_',
      'sst__',
    ];
    for (let index = 4; index < token.length; index++) {
      if (token[index] !== '_' || index > 15)
        wrong.push(token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1));
    }
    for (const attempt of wrong)
      await expect(authenticate(authenticators, { token: attempt }, { now: NOW })).rejects.toEqual(UNAUTHENTICATED);
  });

  test('does not pass for another one whose id it takes', async () => {
    const [mine, other] = [createToken(KEY, randomBytes, about), createToken(KEY, randomBytes, about)];
    const swapped = mine.token.replace(mine.stored.id, other.stored.id);
    const authenticators = [
      apiTokens(
        () => KEY,
        () => kept(mine.stored, other.stored),
      ),
    ];
    await expect(authenticate(authenticators, { token: swapped }, { now: NOW })).rejects.toEqual(UNAUTHENTICATED);
  });

  test.each([NOW, NOW - 1, 0.5, Number.NaN])('does not expire at a time that is none or over: %s', (expires) => {
    expect(() => createToken(KEY, randomBytes, { ...about, expires })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

function answering(answer: () => unknown): Authenticator {
  return { name: 'own', authenticate: async () => answer() as undefined };
}

describe('authenticators', () => {
  const context = { now: NOW };

  test('are asked one after the other, until one vouches or refuses', async () => {
    const bob = { principal: parsePrincipalName('bob') };
    const [silent, sure] = [answering(() => undefined), answering(() => bob)];
    expect(await authenticate([silent, sure], {}, context)).toEqual(bob);
    await expect(authenticate([silent], {}, context)).rejects.toEqual(UNAUTHENTICATED);
    await expect(authenticate([], {}, context)).rejects.toEqual(UNAUTHENTICATED);
    const refusing = answering(() => {
      throw new SecureStoreError('UNAUTHENTICATED', 'no');
    });
    await expect(authenticate([refusing, sure], {}, context)).rejects.toEqual(UNAUTHENTICATED);
  });

  test('that vouch for a time that is over vouch for nothing', async () => {
    for (const until of [NOW, Number.NaN, null as never, '2100-01-01' as never]) {
      const late = answering(() => ({ principal: parsePrincipalName('bob'), until }));
      await expect(authenticate([late], {}, context)).rejects.toEqual(UNAUTHENTICATED);
    }
  });

  const unseen = ['\u034f', '\u115f', '\u3164', '\ufe0f', '\u2800', '\u{e0100}'].map((mark) => `alice${mark}`);
  const looksLikeRoot = '\uff3broot]';

  test.each(['', ' alice', 'alice\u0301 ', 'alice\0', 'a\u200bb', 'e\u0301', 7 as never, ...unseen, looksLikeRoot])(
    'that vouch for a name that is none, %j, vouch for nobody',
    async (principal) => {
      const careless = answering(() => ({ principal }));
      await expect(authenticate([careless], {}, context)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      const roles = answering(() => ({ principal: 'alice', roles: [principal] }));
      await expect(authenticate([roles], {}, context)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  test('that break say so without what they were given', async () => {
    const broken = answering(() => {
      throw new Error('password hunter2 is wrong');
    });
    const error: unknown = await authenticate([broken], {}, context).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('hunter2');
  });
});
