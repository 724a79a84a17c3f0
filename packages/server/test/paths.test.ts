import { parseStoreKey } from '@securestore/core-format';
import { encodeKey } from '@securestore/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { World } from './support/world.ts';
import { codeIn, EVERYTHING, world } from './support/world.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';

const CANARY = 'canary of the secret folder';

const character = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...'ab.%2fFeE/\\?#&=+;:@ ~é'.split('')) },
  { weight: 2, arbitrary: fc.string({ unit: ANY_CHARACTER, minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.constantFrom('..', '%2e', '%2F', '%00', '%25', '🔑', '\u202e', 'ß') },
);
const validKey = fc
  .array(character, { minLength: 1, maxLength: 12 })
  .map((parts) => parts.join(''))
  .filter((text) => {
    try {
      return parseStoreKey(text) !== undefined;
    } catch {
      return false;
    }
  });

/** Ways of writing a path that some program on the way takes for another one. */
const TRICKS = [
  '../secret/a',
  'x/../../secret/a',
  '%2e%2e/secret/a',
  '%2E%2E%2Fsecret%2Fa',
  '..%2fsecret/a',
  '.%2e/secret/a',
  '..;/secret/a',
  '..\\secret\\a',
  '..%5csecret%5ca',
  '%252e%252e/secret/a',
  '%c0%ae%c0%ae/secret/a',
  '%c0%af..%c0%afsecret/a',
  '..%ef%bc%8fsecret/a',
  '%uff0e%uff0e/secret/a',
  './../secret/a',
  '//secret/a',
  '/secret/a',
  'a%00/../../secret/a',
  'a%0d%0aX: y',
  'a#/../../secret/a',
  'a?/../../secret/a',
  '%',
  '%zz',
  '%ff',
  'a%ED%A0%80',
  'cafe%CC%81',
] as const;

async function readerOfPublic(): Promise<World & { readonly token: string }> {
  const here = await world();
  await here.store.store('secret/a', CANARY);
  await here.store.store('public/a', 'for all');
  const token = await here.somebody('reader', [{ effect: 'allow', actions: ['*'], keys: ['public/**'] }]);
  return { ...here, token };
}

describe('paths', () => {
  it('name exactly the key that was encoded', async () => {
    const here = await world({ limits: { ratePerCaller: 1e9 } });
    const token = await here.somebody('ann', EVERYTHING);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(validKey, { minLength: 2, maxLength: 4 }), async (keys) => {
        for (const [at, key] of keys.entries()) {
          const path = `/v1/objects/${encodeKey(parseStoreKey(key))}`;
          const stored = await here.send('PUT', path, {
            token,
            headers: { 'content-type': 'application/octet-stream' },
            body: `${at}`,
          });
          expect(stored.json()).toMatchObject({ key });
        }
        for (const [at, key] of keys.entries()) {
          const path = `/v1/objects/${encodeKey(parseStoreKey(key))}`;
          expect((await here.send('GET', path, { token })).body.toString()).toBe(`${at}`);
        }
        expect((await here.store.list()).toSorted()).toEqual(keys.toSorted());
        for (const key of keys) await here.store.purge(key);
      }),
      { numRuns: sized({ short: 8, full: 60, torture: 5000 }) },
    );
  });

  // T-SERVER-02
  it.each(TRICKS)('that are written as public/%s reach nothing else', async (trick) => {
    const here = await readerOfPublic();
    for (const begin of [
      '/v1/objects/public/',
      '/v1/info/public/',
      '/v1/history/public/',
      '/v1/objects/',
      '/v1/info/../objects/public/',
    ]) {
      for (const method of ['GET', 'DELETE', 'HEAD']) {
        const answer = await here.raw(
          `${method} ${begin}${trick} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${here.token}\r\nConnection: close\r\n\r\n`,
        );
        // Some are keys of their own, of which there is no object.
        expect(answer).toMatch(/^HTTP\/1\.1 (?:(?:400|403|404) |200 [^]*"existed":false)/);
        expect(answer).not.toContain(CANARY);
      }
    }
    expect((await here.store.retrieve('secret/a')).text()).toBe(CANARY);
    expect((await here.store.retrieve('public/a')).text()).toBe('for all');
  });

  it('have one spelling for each key', async () => {
    const here = await readerOfPublic();
    const { token } = here;
    for (const path of [
      'public%2Fa',
      'public%2fa',
      'public/a/',
      'public//a',
      '/public/a',
      'public/./a',
      'PUBLIC/a',
      'public\\a',
    ]) {
      const answer = await here.send('GET', `/v1/objects/${path}`, { token });
      expect(['INVALID_KEY', 'NOT_FOUND', 'ACCESS_DENIED'], path).toContain(codeIn(answer));
    }
    expect(codeIn(await here.send('GET', '/v1/%6fbjects/public/a', { token }))).toBe('INVALID_KEY');
    // What may be encoded and need not be is the same.
    expect((await here.send('GET', '/v1/objects/p%75blic/%61', { token })).status).toBe(200);
  });

  it.each([
    '?prefix=%ff',
    '?prefix=a&prefix=b',
    '?=x',
    '?prefix[]=a',
    '?__proto__=x',
    '?prefix=%',
    '?constructor=1',
    '?after=a%00',
  ])('with the query %s are refused', async (query) => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    const answer = await here.send('GET', `/v1/keys${query}`, { token });
    expect(answer.status).toBe(400);
  });

  it('never show in the log', async () => {
    const here = await readerOfPublic();
    await here.send('GET', '/v1/objects/public/canary-of-a-name', { token: here.token });
    await here.send('GET', '/v1/keys?prefix=canary-of-a-prefix', { token: here.token });
    await here.send('GET', '/canary-of-nowhere', { token: here.token });
    expect(here.logged.length).toBeGreaterThan(2);
    expect(JSON.stringify(here.logged)).not.toContain('canary');
  });
});
