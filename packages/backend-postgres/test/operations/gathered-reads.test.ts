import type { ReadResult } from '@securestore/backend-api';
import type pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { PostgresBackend } from '../../src/index.ts';
import { freshUrl, openAt, poolOf, proxied, utf8 } from '../support/stores.ts';

const server = inject('postgres');
const url = 'url' in server ? server.url : '';

/** A pool that counts what it runs. */
function counting(pool: pg.Pool): () => number {
  let statements = 0;
  pool.on('acquire', () => (statements += 1));
  return () => statements;
}

async function lentTo(pool: pg.Pool): Promise<PostgresBackend> {
  const backend = new PostgresBackend();
  await backend.init({ url: freshUrl(url), options: {}, client: pool });
  return backend;
}

describe.skipIf('skip' in server)('whole reads at once', () => {
  test('share a statement, and each gets what it would get alone', async () => {
    const pool = poolOf(url);
    const backend = await lentTo(pool);
    const bodies = new Map(Array.from({ length: 60 }, (_, index) => [`o/${index}`, utf8(`body ${index}`)]));
    bodies.set('o/empty', new Uint8Array());
    await Promise.all([...bodies].map(async ([key, body]) => backend.write(key, body)));
    const keys = [...bodies.keys(), 'o/none', 'o/none/either'];
    const alone: (ReadResult | undefined)[] = [];
    for (const key of keys) alone.push(await backend.read(key));
    const count = counting(pool);
    const together = await Promise.all(keys.map(async (key) => backend.read(key)));
    expect(count()).toBe(1);
    for (const [index, found] of together.entries()) {
      expect(found && { ...found, now: 0 }).toEqual(alone[index] && { ...alone[index], now: 0 });
    }
    expect(together[0]?.now).toBeGreaterThanOrEqual(together[0]?.modified ?? Infinity);
    await Promise.all(Array.from({ length: 130 }, async (_, index) => backend.read(`o/${index}`)));
    expect(count()).toBe(1 + 3);
  });

  test('of one key get a body each, and see what was written before they were asked for', async () => {
    const backend = await lentTo(poolOf(url));
    await backend.write('o/a', utf8('1'));
    await backend.write('o/b', utf8('2'));
    const early = backend.read('o/b');
    const written = backend.write('o/b', utf8('3'));
    await written;
    const [one, other, b] = await Promise.all([backend.read('o/a'), backend.read('o/a'), backend.read('o/b')]);
    one?.body.fill(0);
    expect(Buffer.from(other?.body ?? []).toString()).toBe('1');
    expect(Buffer.from(b?.body ?? []).toString()).toBe('3');
    expect(['2', '3']).toContain(Buffer.from((await early)?.body ?? []).toString());
  });

  test('large bodies come whole beside small ones, by a statement of their own', async () => {
    const pool = poolOf(url);
    const backend = await lentTo(pool);
    const sizes = [1, 128 * 1024, 128 * 1024 + 1, 5_000_000];
    const bodies = sizes.map((size) => Buffer.alloc(size, size % 251));
    for (const [index, body] of bodies.entries()) await backend.write(`o/${index}`, body);
    const count = counting(pool);
    const found = await Promise.all(bodies.map(async (_, index) => backend.read(`o/${index}`)));
    for (const [index, body] of bodies.entries()) expect(body.equals(found[index]?.body ?? Buffer.alloc(0))).toBe(true);
    expect(count()).toBe(1 + 2);
  });

  test('an abort ends one of them, and leaves the others', async () => {
    const backend = await lentTo(poolOf(url));
    await backend.write('o/a', utf8('1'));
    const controller = new AbortController();
    const { signal } = controller;
    const outcomes = Promise.allSettled([
      backend.read('o/a'),
      backend.read('o/b', { signal }),
      backend.read('o/a', { signal: new AbortController().signal }),
    ]);
    await new Promise(setImmediate);
    controller.abort(new Error('enough'));
    const [first, aborted, last] = await outcomes;
    expect([first.status, last.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(aborted).toMatchObject({
      status: 'rejected',
      reason: { code: 'ABORTED', key: 'o/b', cause: signal.reason },
    });
  });

  test('a connection that breaks fails each of them with its own key', async () => {
    const proxy = await proxied(url);
    const backend = await openAt(freshUrl(proxy.url));
    await backend.write('o/a', utf8('1'));
    await proxy.close();
    const failed = await Promise.allSettled(['o/a', 'o/b'].map(async (key) => backend.read(key)));
    for (const [index, key] of ['o/a', 'o/b'].entries()) {
      const reason = { code: 'UNAVAILABLE', retryable: true, operation: 'read', key };
      expect(failed[index]).toMatchObject({ status: 'rejected', reason });
    }
  });
});
