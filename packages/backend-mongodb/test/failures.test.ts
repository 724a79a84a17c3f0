import { MongoClient } from 'mongodb';
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { impatient } from '../../backend-redis/test/support/impatient.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import { MongodbBackend } from '../src/index.ts';
import { clientOf, freshCollection, freshUrl, openAt, proxied, utf8 } from './support/stores.ts';

const server = inject('mongodb');
const url = 'url' in server ? server.url : '';
const NO_CREDENTIALS = new RegExp('//[^/]*@').test(url) ? undefined : 'the server takes everybody';
/** So that a test needn't wait long for a server that is gone. */
const IMPATIENT = { selectionTimeout: 500 };

describe.skipIf('skip' in server)('a connection that breaks', () => {
  test('leaves a write unknown whose answer was lost, and is made again', async () => {
    const proxy = await proxied(url);
    const backend = await openAt(freshUrl(proxy.url));
    await backend.write('o/a', utf8('1'));
    proxy.loseAnswer();
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      outcome: 'unknown',
      key: 'o/a',
    });
    expect(Buffer.from((await backend.read('o/a'))?.body ?? []).toString()).toBe('2');
    proxy.loseAnswer();
    const failure = await backend.read('o/a').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure).not.toHaveProperty('outcome');
  });

  test('while none can be made, nothing is sent, so every outcome is known', async () => {
    const proxy = await proxied(url);
    const backend = await openAt(freshUrl(proxy.url), { selectionTimeout: 5000 });
    await backend.write('o/a', utf8('1'));
    proxy.cut();
    await backend.write('o/a', utf8('2')).catch(() => undefined);
    const failure = await backend.write('o/a', utf8('2')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure).not.toHaveProperty('outcome');
  });

  test('a server that falls silent is given up after the timeout', async () => {
    const proxy = await proxied(url);
    let limit = 0;
    const backend = await impatient(async (timeout) => {
      const open = await openAt(freshUrl(proxy.url), { timeout: (limit = timeout) });
      await open.write('o/a', utf8('1'));
      return open;
    });
    proxy.holdAnswers();
    const begun = performance.now();
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    expect(performance.now() - begun).toBeLessThan(limit + 18_000);
  });

  test('an abort does not wait for the answer, and says what is not known', async () => {
    const proxy = await proxied(url);
    const collection = freshCollection();
    const backend = await openAt(freshUrl(proxy.url, collection));
    await backend.write('o/a', utf8('1'));
    // A connection for each of the calls.
    await Promise.all(Array.from({ length: 6 }, async () => backend.read('o/a')));
    proxy.holdAnswers();
    const controller = new AbortController();
    const { signal } = controller;
    const body = utf8('2'.repeat(10_000));
    const sent = proxy.sends(body.byteLength);
    const calls = [
      backend.write('o/a', body, { signal }),
      backend.read('o/a', { signal }),
      backend.list('', { signal }),
    ];
    const settled = Promise.allSettled(calls);
    await sent;
    controller.abort(new Error('enough'));
    const [write, ...reads] = await settled;
    body.fill(0);
    expect(write).toMatchObject({ reason: { code: 'ABORTED', outcome: 'unknown', cause: { message: 'enough' } } });
    for (const read of reads) {
      expect(read).toMatchObject({ reason: { code: 'ABORTED', cause: { message: 'enough' } } });
      expect((read as PromiseRejectedResult).reason).not.toHaveProperty('outcome');
    }
    const beside = await openAt(freshUrl(url, collection));
    await vi.waitFor(async () => {
      expect(Buffer.from((await beside.read('o/a'))?.body ?? []).toString()).toBe('2'.repeat(10_000));
    }, 60_000);
    const closing = performance.now();
    await backend.close();
    expect(performance.now() - closing).toBeLessThan(8000);
  });
});

test.skipIf('skip' in server)("what fails in a listener of the caller's client is INTERNAL", async () => {
  const client = new MongoClient(url, { monitorCommands: true });
  onTestFinished(async () => client.close());
  const backend = new MongodbBackend();
  await backend.init({ url: freshUrl(url), options: {}, client });
  await backend.write('o/a', utf8('x'));
  client.on('commandStarted', () => {
    throw new TypeError('their fault');
  });
  const failure = backend.write('o/a', utf8('y'));
  await expect(failure).rejects.toMatchObject({
    code: 'INTERNAL',
    outcome: 'unknown',
    cause: { message: 'their fault' },
  });
});

/** A user of its own, and a store URL for it. */
async function userWith(role: string): Promise<{ url: string; collection: string; revoke: () => Promise<void> }> {
  const name = freshCollection();
  const db = clientOf(url).db();
  await db.command({ createUser: name, pwd: 'canary-7731', roles: [role] });
  const collection = freshCollection();
  const storeUrl = url
    .replace(/:\/\/.*@/, `://${name}:canary-7731@`)
    .replace('authSource=admin', `authSource=${db.databaseName}`);
  const revoke = async (): Promise<void> => {
    await db.command({ revokeRolesFromUser: name, roles: [role] });
  };
  return { url: freshUrl(storeUrl, collection), collection, revoke };
}

describe.skipIf('skip' in server || NO_CREDENTIALS !== undefined)('rights', () => {
  test('a user with the role readWrite can do all that a store needs, and without it nothing', async () => {
    const { url: storeUrl, revoke } = await userWith('readWrite');
    const backend = await openAt(storeUrl);
    await backend.write('o/a', utf8('x'));
    expect((await backend.list('')).entries).toHaveLength(1);
    await backend.delete('o/a');
    await revoke();
    const refused = await openAt(storeUrl).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'ACCESS_DENIED', retryable: false, operation: 'init' });
    expectNoSecret(refused, ['canary-7731']);
  });

  test('a user that may only read reads, and is ACCESS_DENIED where it writes', async () => {
    const { url: storeUrl, collection } = await userWith('read');
    await (await openAt(freshUrl(url, collection))).write('o/a', utf8('x'));
    const backend = await openAt(storeUrl);
    expect((await backend.read('o/a'))?.size).toBe(1);
    const refused = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'ACCESS_DENIED', retryable: false, key: 'o/a' });
    expect(refused).not.toHaveProperty('outcome');
    expectNoSecret(refused, ['canary-7731', 'payload-7731']);
    await expect(backend.delete('o/a')).rejects.toMatchObject({ code: 'ACCESS_DENIED', key: 'o/a' });
  });
});

describe.skipIf('skip' in server || NO_CREDENTIALS !== undefined)('credentials', () => {
  test('come from the store URL or the options, and wrong or missing ones are UNAUTHENTICATED', async () => {
    const { username, password } = new URL(url);
    const wrong = freshUrl(url.replace(/:[^:@/]*@/, ':canary-7731@'));
    const refused = await openAt(wrong).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, operation: 'init' });
    expectNoSecret(refused, ['canary-7731', password]);
    await (await openAt(wrong, { password })).write('o/a', utf8('x'));
    const bare = freshUrl(url.replace(/\/\/.*@/, '//'));
    const missing = await openAt(bare).catch((error: unknown) => error);
    expect(missing).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, operation: 'init' });
    await (await openAt(bare, { username, password })).write('o/a', utf8('x'));
  });

  test('are never shown, whatever fails', async () => {
    const proxy = await proxied(url);
    const secrets = [new URL(url).password, 'canary-7731', 'payload-7731'];
    const failures = [
      openAt('mongodb://ann:canary-7731@127.0.0.1:1/app', IMPATIENT),
      openAt('mongodb://ann:canary-7731@auth.invalid/app', IMPATIENT),
      openAt('mongodb+srv://ann:canary-7731@no-such-host.invalid/app', IMPATIENT),
      openAt(`${proxy.url}&tls=true`, IMPATIENT),
      openAt(`${url}&replicaSet=canary-7731`, IMPATIENT),
    ];
    for (const failure of await Promise.allSettled(failures)) {
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE', operation: 'init' } });
      expectNoSecret(failure, secrets);
    }
    const backend = await openAt(freshUrl(proxy.url));
    await backend.write('o/a', utf8('x'));
    proxy.loseAnswer();
    const lost = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'UNAVAILABLE' });
    expectNoSecret(lost, secrets);
  });
});
