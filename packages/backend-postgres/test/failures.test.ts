import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { impatient } from '../../backend-redis/test/support/impatient.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import { toStoreError } from '../src/connection/errors.ts';
import { endingServer } from './support/ending-server.ts';
import { freshUrl, freshTable, openAt, poolOf, proxied, utf8 } from './support/stores.ts';

const server = inject('postgres');
const url = 'url' in server ? server.url : '';

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
    const backend = await openAt(freshUrl(proxy.url));
    await backend.write('o/a', utf8('1'));
    proxy.cut();
    await backend.write('o/a', utf8('2')).catch(() => undefined);
    const failure = await backend.write('o/a', utf8('2')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure).not.toHaveProperty('outcome');
  });

  test('a server that falls silent is given up after the timeout', async () => {
    const proxy = await proxied(url);
    const backend = await impatient(async (timeout) => {
      const open = await openAt(freshUrl(proxy.url), { timeout });
      await open.write('o/a', utf8('1'));
      return open;
    });
    proxy.holdAnswers();
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
  });

  test('an abort does not wait for a silent server for ever, and says what is not known', async () => {
    const proxy = await proxied(url);
    const backend = await openAt(freshUrl(proxy.url));
    await backend.write('o/a', utf8('1'));
    proxy.holdAnswers();
    const controller = new AbortController();
    const body = utf8('2'.repeat(10_000));
    const sent = proxy.sends(body.byteLength);
    const write = backend.write('o/a', body, { signal: controller.signal }).catch((error: unknown) => error);
    await sent;
    controller.abort(new Error('enough'));
    expect(await write).toMatchObject({ code: 'ABORTED', outcome: 'unknown', cause: { message: 'enough' } });
  });

  test('a connection that the server ends leaves a write unknown', async () => {
    const table = freshTable();
    const backend = await openAt(freshUrl(url, table), { poolSize: 1 });
    await backend.write('o/a', utf8('1'));
    const pool = poolOf(url);
    const other = await pool.connect();
    await other.query(`BEGIN; SELECT 1 FROM "${table}" WHERE key = 'o/a' FOR UPDATE`);
    const write = backend.write('o/a', utf8('2')).catch((error: unknown) => error);
    const waiting = `FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${table}%' AND pid <> pg_backend_pid()`;
    for (let ended = 0; ended === 0;) {
      ended = (await pool.query(`SELECT pg_terminate_backend(pid) ${waiting}`)).rowCount ?? 0;
    }
    expect(await write).toMatchObject({ code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' });
    await other.query('ROLLBACK');
    other.release();
    await backend.write('o/a', utf8('3'));
  });
});

test('a server that ends in the moment that it lets us in is UNAVAILABLE, and does not end this process', async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  process.on('uncaughtExceptionMonitor', note);
  onTestFinished(() => void process.off('uncaughtExceptionMonitor', note));
  await expect(openAt(await endingServer())).rejects.toMatchObject({ code: 'UNAVAILABLE', operation: 'init' });
  expect(uncaught).toEqual([]);
});

/** A role of its own and a store URL for it. */
async function role(settings: string): Promise<{ url: string; table: string; name: string }> {
  const name = freshTable();
  const pool = poolOf(url);
  await pool.query(`CREATE ROLE "${name}" LOGIN PASSWORD 'canary-7731'; ${settings.replace('?', `"${name}"`)}`);
  const storeUrl = new URL(url);
  storeUrl.username = name;
  storeUrl.password = 'canary-7731';
  const table = freshTable();
  return { url: freshUrl(storeUrl.href, table), table, name };
}

describe.skipIf('skip' in server)('rights', () => {
  test('a user without them is ACCESS_DENIED', async () => {
    const { url: storeUrl, table } = await role('');
    const backend = await openAt(storeUrl);
    const owner = await openAt(freshUrl(url, table));
    const refused = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'ACCESS_DENIED', retryable: false, key: 'o/a' });
    expectNoSecret(refused, ['canary-7731', 'payload-7731']);
    await owner.write('o/a', utf8('x'));
    await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  test('a user that may only read is READ_ONLY', async () => {
    const { url: storeUrl, table, name } = await role('ALTER ROLE ? SET default_transaction_read_only = on');
    await (await openAt(freshUrl(url, table))).write('o/a', utf8('x'));
    await poolOf(url).query(`GRANT SELECT ON "${table}", "${table}_state" TO "${name}"`);
    const backend = await openAt(storeUrl);
    expect((await backend.read('o/a'))?.size).toBe(1);
    await expect(backend.write('o/a', utf8('y'))).rejects.toMatchObject({ code: 'READ_ONLY' });
  });
});

test('a login that broke off is no wrong password', () => {
  const site = { backend: 'postgres', operation: 'read', uncertain: false, secrets: [] };
  const codeOf = (message: string): string => toStoreError(new Error(`SASL: ${message}`), site).code;
  expect(codeOf('SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string')).toBe('UNAUTHENTICATED');
  expect(codeOf('SCRAM-SERVER-FINAL-MESSAGE: server signature does not match')).toBe('UNAUTHENTICATED');
  expect(codeOf('SCRAM-SERVER-FIRST-MESSAGE: nonce missing')).toBe('UNAVAILABLE');
});

describe.skipIf('skip' in server)('credentials', () => {
  test('come from the store URL, the options, or the environment', async () => {
    const storeUrl = new URL(freshUrl(url));
    const { password, username } = storeUrl;
    storeUrl.password = 'canary-7731';
    const refused = await openAt(storeUrl.href).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, operation: 'init' });
    expectNoSecret(refused, ['canary-7731', password]);
    await (await openAt(storeUrl.href, { password })).write('o/a', utf8('x'));
    storeUrl.password = '';
    storeUrl.username = '';
    vi.stubEnv('PGUSER', username);
    vi.stubEnv('PGPASSWORD', password);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await (await openAt(storeUrl.href)).read('o/a'))?.size).toBe(1);
  });

  test('are never shown, whatever fails', async () => {
    const proxy = await proxied(url);
    const secrets = [new URL(url).password, 'canary-7731', 'payload-7731'];
    const failures: [Promise<unknown>, string][] = [
      [openAt('postgres://ann:canary-7731@127.0.0.1:1/app'), 'UNAVAILABLE'],
      [openAt('postgres://ann:canary-7731@no-such-host.invalid/app'), 'UNAVAILABLE'],
      [openAt(`${url}?sslmode=require`), 'INVALID_ARGUMENT'],
      [openAt(`${url}?sslrootcert=/no/such/file`), 'INVALID_ARGUMENT'],
      [openAt(url.replace(/\/\w+$/, '/no_such_database')), 'INVALID_ARGUMENT'],
    ];
    const settled = await Promise.allSettled(failures.map(([failure]) => failure));
    for (const [index, failure] of settled.entries()) {
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: failures[index]?.[1], operation: 'init' } });
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
