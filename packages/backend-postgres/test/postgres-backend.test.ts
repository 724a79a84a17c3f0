import pg from 'pg';
import type { BatchOperation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { randomInt } from 'node:crypto';
import { describe, expect, inject, test } from 'vitest';
import { impatient } from '../../backend-redis/test/support/impatient.ts';
import { PostgresBackend } from '../src/index.ts';
import { freshUrl, freshTable, openAt, poolOf, utf8 } from './support/stores.ts';

const server = inject('postgres');
const url = 'url' in server ? server.url : '';

async function textOf(backend: PostgresBackend, key: string): Promise<string | undefined> {
  const found = await backend.read(key);
  return found && Buffer.from(found.body).toString();
}

async function tablesLike(pool: pg.Pool, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ relname: string }>(
    "SELECT relname FROM pg_class WHERE relname LIKE $1 || '%' AND relkind = 'r' ORDER BY relname",
    [table],
  );
  return rows.map(({ relname }) => relname);
}

describe.skipIf('skip' in server)('the tables', () => {
  test('are made by the first write, and not by opening, reading, listing or closing', async () => {
    const table = freshTable();
    const pool = poolOf(url);
    const backend = await openAt(freshUrl(url, table));
    expect(await backend.read('store')).toBeUndefined();
    expect(await backend.list('')).toEqual({ entries: [], more: false });
    expect(await tablesLike(pool, table)).toEqual([]);
    const writer = await openAt(freshUrl(url, table));
    await writer.write('store', utf8('x'));
    expect(await tablesLike(pool, table)).toEqual([table, `${table}_state`]);
    expect(await textOf(backend, 'store')).toBe('x');
    await pool.query(`DROP TABLE "${table}", "${table}_state"`);
    for (const call of [
      async () => backend.read('store'),
      async () => backend.list(''),
      async () => writer.write('store', utf8('y')),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    }
  });

  test('are made once where many come at the same moment', async () => {
    const storeUrl = freshUrl(url);
    const backends = await Promise.all(Array.from({ length: 8 }, async () => openAt(storeUrl)));
    await Promise.all(
      backends.map(async (backend, index) => backend.write(`o/${index}`, utf8('x'), { ifAbsent: true })),
    );
    expect((await backends[0]?.list(''))?.entries).toHaveLength(8);
  });

  test('of others are refused, and stay as they are', async () => {
    const pool = poolOf(url);
    for (const [mine, sql] of [
      [freshTable(), (table: string) => `CREATE TABLE "${table}" (key text)`],
      [freshTable(), (table: string) => `CREATE TABLE "${table}_state" (note text)`],
    ] as const) {
      await pool.query(sql(mine));
      await expect(openAt(freshUrl(url, mine))).rejects.toMatchObject({
        code: 'FORMAT_VERSION',
        operation: 'init',
      });
      expect(await tablesLike(pool, mine)).toHaveLength(1);
    }
  });

  test('of a newer layout are FORMAT_VERSION, which names both', async () => {
    const table = freshTable();
    const storeUrl = freshUrl(url, table);
    await (await openAt(storeUrl)).write('o/a', utf8('x'));
    await poolOf(url).query(`UPDATE "${table}_state" SET layout = 2`);
    await expect(openAt(storeUrl)).rejects.toThrow(/layout 2.*layout 1/);
  });

  test('may lie in a schema, which must be there', async () => {
    const schema = freshTable();
    const storeUrl = `${freshUrl(url)}&schema=${schema}`;
    const early = await openAt(storeUrl);
    await expect(early.write('o/a', utf8('x'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const pool = poolOf(url);
    await pool.query(`CREATE SCHEMA "${schema}"`);
    await early.write('o/a', utf8('x'));
    expect(await textOf(await openAt(storeUrl), 'o/a')).toBe('x');
    await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
  });
});

describe.skipIf('skip' in server)('what is stored', () => {
  test('an etag is never given twice, also for the same bytes and for a key that is made again', async () => {
    const backend = await openAt(freshUrl(url));
    const etags = new Set<string>();
    for (let round = 0; round < 5; round++) {
      etags.add((await backend.write('o/a', utf8('same'))).etag);
      await backend.delete('o/a');
      etags.add((await backend.write('o/a', utf8('same'), { ifAbsent: true })).etag);
    }
    expect(etags.size).toBe(10);
  });

  test('a clock that is set back shows through by no more than is declared', async () => {
    const table = freshTable();
    const backend = await openAt(freshUrl(url, table));
    const pool = poolOf(url);
    const floor = async (): Promise<number> =>
      Number((await pool.query<{ floor: string }>(`SELECT floor FROM "${table}_state"`)).rows[0]?.floor);
    for (let round = 0; round < 5; round++) {
      const { modified = Number.NaN } = await backend.write(`o/${round}`, utf8('x'));
      expect(await floor()).toBeGreaterThanOrEqual(modified - backend.capabilities.clockSkew);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    const ahead = (await floor()) + 3_600_000;
    await pool.query(`UPDATE "${table}_state" SET floor = ${ahead}`);
    expect((await backend.write('o/a', utf8('1'), { ifAbsent: true })).modified).toBe(ahead);
    expect((await backend.write('o/0', utf8('1'))).modified).toBe(ahead);
    expect(await backend.read('o/1')).toMatchObject({ now: ahead });
  });

  test('a body that is larger than any that was written is INTEGRITY', async () => {
    const table = freshTable();
    const backend = await openAt(freshUrl(url, table));
    await backend.write('o/large', utf8('x'));
    await poolOf(url).query(`UPDATE "${table}" SET body = decode(repeat('00', 17000000), 'hex')`);
    for (const range of [{}, { start: 0, end: 1 }]) {
      await expect(backend.read('o/large', range)).rejects.toMatchObject({ code: 'INTEGRITY', key: 'o/large' });
    }
  });

  test('without its state a store is read, and takes no writes', async () => {
    const table = freshTable();
    const backend = await openAt(freshUrl(url, table));
    await backend.write('o/a', utf8('x'));
    await poolOf(url).query(`DELETE FROM "${table}_state"`);
    expect(await textOf(backend, 'o/a')).toBe('x');
    await expect(backend.write('o/a', utf8('y'))).rejects.toMatchObject({ code: 'INTEGRITY' });
    await expect(backend.write('o/b', utf8('y'), { ifAbsent: true })).rejects.toMatchObject({ code: 'INTEGRITY' });
    expect(await textOf(backend, 'o/a')).toBe('x');
  });

  test('batches that overlap in any order end in one after the other', async () => {
    const storeUrl = freshUrl(url);
    const handles = await Promise.all([openAt(storeUrl), openAt(storeUrl)]);
    const keys = Array.from({ length: 6 }, (_, index) => `o/${index}`);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, async (_, round) => {
        const chosen = keys.filter(() => randomInt(2) === 0).toSorted(() => randomInt(3) - 1);
        const operations = chosen.map((key): BatchOperation => {
          const kind = randomInt(4);
          if (kind === 0) return { type: 'delete', key };
          return { type: 'write', key, body: utf8(`${round}`), ...(kind === 1 ? { ifAbsent: true as const } : {}) };
        });
        return handles[round % 2]?.batch(operations);
      }),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'CONFLICT' });
    }
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
  });

  test('a thousand calls at once stay within the pool', async () => {
    const storeUrl = new URL(freshUrl(url));
    const pool = new pg.Pool({
      connectionString: url.replace(/\?.*$/, ''),
      max: 4,
      application_name: 'securestore-limited',
    });
    const backend = new PostgresBackend();
    await backend.init({ url: storeUrl.href, options: {}, client: pool });
    const calls = Array.from({ length: 1000 }, async (_, index) => backend.write(`o/${index}`, utf8('x')));
    const watcher = poolOf(url);
    const most = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'securestore-limited'";
    expect((await watcher.query<{ n: number }>(most)).rows[0]?.n).toBeLessThanOrEqual(4);
    await Promise.all(calls);
    expect((await backend.list('', { limit: 1000 })).entries).toHaveLength(1000);
    await backend.close();
    await expect(backend.read('o/1')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });
});

describe.skipIf('skip' in server)('a row that others hold', () => {
  test('an abort ends the waiting at the server, and nothing was changed', async () => {
    const table = freshTable();
    const backend = await openAt(freshUrl(url, table), { poolSize: 1 });
    await backend.write('o/a', utf8('1'));
    const other = await poolOf(url).connect();
    await other.query(`BEGIN; SELECT 1 FROM "${table}" WHERE key = 'o/a' FOR UPDATE`);
    const controller = new AbortController();
    const { signal } = controller;
    const write = backend.write('o/a', utf8('2'), { signal });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const settled = Promise.allSettled([
      write,
      backend.read('o/a', { signal }),
      backend.list('', { signal: AbortSignal.abort(new Error('early')) }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    controller.abort(new Error('enough'));
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
      expect((outcome as PromiseRejectedResult).reason).not.toHaveProperty('outcome');
    }
    await other.query('ROLLBACK');
    other.release();
    expect(await textOf(backend, 'o/a')).toBe('1');
    await backend.write('o/a', utf8('3'));
  });

  test('the server gives up after the timeout, and nothing was changed', async () => {
    const table = freshTable();
    // The answer of the server is waited for as long again, up to five seconds, which a busy machine may take for it.
    const backend = await impatient(async (timeout) => {
      const open = await openAt(freshUrl(url, table), { timeout });
      await open.write('o/a', utf8('1'));
      return open;
    }, 5000);
    const other = await poolOf(url).connect();
    await other.query(`BEGIN; SELECT 1 FROM "${table}" WHERE key = 'o/a' FOR UPDATE`);
    const failure = await backend.write('o/a', utf8('2')).catch((error: unknown) => error);
    await other.query('ROLLBACK');
    other.release();
    expect(failure).toMatchObject({ code: 'TIMEOUT', retryable: true, key: 'o/a' });
    expect(SecureStoreError.is(failure) && failure.outcome).toBeUndefined();
    expect(await textOf(backend, 'o/a')).toBe('1');
  });
});
