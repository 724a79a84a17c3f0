import { encodeMessage } from '@securestore/protocol';
import { describe, expect, it } from 'vitest';
import { codeIn, EVERYTHING, world } from '../support/world.ts';
import type { World } from '../support/world.ts';

interface Scene extends World {
  /** What is said to a request that is refused for what it is. */
  readonly told: (
    method: string,
    path: string,
    body?: object | string | Uint8Array,
    headers?: Record<string, string>,
  ) => Promise<string>;
}

async function scene(): Promise<Scene> {
  const here = await world();
  const token = await here.somebody('ann', EVERYTHING);
  await here.store.store('k', 'value');
  const told: Scene['told'] = async (method, path, given, more = {}) => {
    const body = typeof given === 'object' && !(given instanceof Uint8Array) ? JSON.stringify(given) : given;
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await here.send(method, path, { token, headers: { ...type, ...more }, body });
    expect([codeIn(answer), answer.body.toString()]).toEqual([
      'INVALID_ARGUMENT',
      expect.not.stringContaining('s3cr3t'),
    ]);
    return (answer.json() as { detail: string }).detail;
  };
  return { ...here, told };
}

describe('what is wrong with a request is told by the name of the member and what it must be', () => {
  it.each<[string, string, object | string, string]>([
    [
      'POST',
      '/v1/backup',
      { destination: 'memory:x', foo: 's3cr3t' },
      'unknown member "foo" of the body, which takes destination, label, takeOver',
    ],
    ['POST', '/v1/backup', {}, 'the body lacks "destination", which must be a text of 1 to 4096 characters'],
    [
      'POST',
      '/v1/backup',
      { destination: 's3cr3t'.repeat(1000) },
      '"destination" must be a text of 1 to 4096 characters',
    ],
    ['POST', '/v1/backup', { destination: ['s3cr3t'] }, '"destination" must be a text of 1 to 4096 characters'],
    ['POST', '/v1/backup', '["s3cr3t"]', 'the body must be an object'],
    [
      'POST',
      '/v1/restore',
      { destination: 'memory:x', snapshot: 0 },
      '"snapshot" must be a whole number of at least 1',
    ],
    [
      'POST',
      '/v1/restore',
      { destination: 'memory:x', snapshot: 's3cr3t' },
      '"snapshot" must be a whole number of at least 1',
    ],
    [
      'POST',
      '/v1/restore',
      { destination: 'memory:x', conflict: 's3cr3t' },
      '"conflict" must be one of fail, skip, newer, overwrite, rename',
    ],
    [
      'POST',
      '/v1/restore',
      { destination: 'memory:x', at: 's3cr3t' },
      '"at" must be a time in ISO 8601, such as 2026-11-27T12:00:00.000Z',
    ],
    ['POST', '/v1/restore', { destination: 'memory:x', dryRun: 's3cr3t' }, '"dryRun" must be true or false'],
    [
      'POST',
      '/v1/restore',
      { destination: 'memory:x', keys: { s3cr3t: 1 } },
      '"keys" must be a list of at most 10000 items',
    ],
    [
      'POST',
      '/v1/restore',
      { destination: 'memory:x', keys: ['k', 7] },
      '"keys[1]" must be a text of at most 1024 characters',
    ],
    ['POST', '/v1/scrub', { rate: 0 }, '"rate" must be a number over 0'],
    [
      'POST',
      '/v1/encryption-keys/destroy',
      { target: 'x', waitingPeriod: -1 },
      '"waitingPeriod" must be a number of at least 0',
    ],
    [
      'PUT',
      '/v1/roles',
      { name: 'r', rules: [{ effect: 'allow', actions: [], 's3cr3t!': 1 }] },
      'unknown member of "rules[0]", which takes actions, categories, effect, expires, keys',
    ],
    ['PUT', '/v1/policy', { policies: [] }, '"policies" must be a list of 1 to 1000 items'],
    [
      'POST',
      '/v1/rotate',
      { oldUnlockSecret: 's3cr3t', newUnlockSecret: { passphrase: 'x' } },
      '"oldUnlockSecret" must be an object with either "passphrase", a text, or "key", 32 bytes in base64url',
    ],
    [
      'POST',
      '/v1/rotate',
      { oldUnlockSecret: { key: 's3cr3t' }, newUnlockSecret: { passphrase: 'x' } },
      '"oldUnlockSecret" must be an object with either "passphrase", a text, or "key", 32 bytes in base64url',
    ],
    [
      'POST',
      '/v1/slots',
      { slot: { s3cr3t: 1 } },
      '"slot" must be an object with one of "recipient", "passphrase", both texts, and "key", 32 bytes in base64url',
    ],
  ])('%s %s %j', async (method, path, body, message) => {
    const { told } = await scene();
    expect(await told(method, path, body)).toBe(message);
  });

  it.each([
    ['/v1/keys?foo=s3cr3t', 'unknown member "foo" of the query, which takes after, limit, next, prefix'],
    ['/v1/keys?limit=s3cr3t', '"limit" must be a whole number of 1 to 9999'],
    ['/v1/tokens?foo=s3cr3t', 'unknown member "foo" of the query, which takes none'],
    ['/v1/backups', 'the query lacks "destination", which must be a text of 1 to 4096 characters'],
    ['/v1/objects/k?start=s3cr3t', '"start" must be a whole number of at least 0'],
    ['/v1/audit/entries?entries=s3cr3t', '"entries" must be a whole number of 1 to 99999'],
    ['/v1/health?timeout=s3cr3t', '"timeout" must be a whole number of 1 to 999999'],
    ['/v1/keys?limit=1&limit=2', 'the query cannot be read: a name occurs twice, is empty or is not percent-encoded'],
    ['/v1/keys?s3cr3t=%zz', 'the query cannot be read: a name occurs twice, is empty or is not percent-encoded'],
  ])('GET %s', async (path, message) => {
    const { told } = await scene();
    expect(await told('GET', path)).toBe(message);
  });

  it('of headers', async () => {
    const { told } = await scene();
    const put = (headers: Record<string, string>): Promise<string> =>
      told('PUT', '/v1/objects/k', 'x', { 'content-type': 'application/octet-stream', ...headers });
    expect(await put({ 'securestore-metadata': '["s3cr3t"]' })).toBe(
      'the header securestore-metadata must be an object',
    );
    expect(await put({ 'securestore-metadata': 's3cr3t' })).toBe('the header securestore-metadata must be JSON');
    expect(await put({ 'securestore-expires': 's3cr3t' })).toBe(
      'the header securestore-expires must be a time in ISO 8601, such as 2026-11-27T12:00:00.000Z',
    );
    expect(await put({ 'if-match': 's3cr3t' })).toContain('If-Match must be');
  });

  it('of the head of a message', async () => {
    const here = await scene();
    const put = (head: object): Promise<string> =>
      here.told('PUT', '/v1/objects/k', encodeMessage(head, Buffer.from('x')), {
        'content-type': 'application/vnd.securestore.object',
      });
    expect(await put({ foo: 's3cr3t' })).toBe(
      'unknown member "foo" of the head of the message, which takes expires, metadata',
    );
    expect(await put({ metadata: 's3cr3t' })).toBe('"metadata" must be an object');
  });
});
