import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Server } from '../../../../tools/services/src/provide/server.ts';
import { isWhole, selfProving } from '../../../backend-fs/test/support/bodies.ts';

const WRITERS = 8;

/** What one handle was told while its server was killed again and again. */
interface Story {
  readonly acknowledged: Map<string, string>;
  counted: number;
  /** Increments of the counter whose outcome is not known. */
  uncertain: number;
  unknown: number;
}

/** Kills a server `kills` times under a handle that writes; nothing that was acknowledged may be lost, nothing torn. */
export async function crashServer(server: Server, backend: StorageBackend, kills: number): Promise<void> {
  const story: Story = { acknowledged: new Map(), counted: 0, uncertain: 0, unknown: 0 };
  await backend.write('counter', Buffer.from('0'));
  for (let kill = 0; kill < kills; kill++) {
    const stop = new AbortController();
    const before = story.acknowledged.size;
    const writers = Array.from({ length: WRITERS }, async (_, id) =>
      write(backend, `${kill}/${id}`, story, stop.signal),
    );
    await begun(writers, () => story.acknowledged.size > before);
    await sleep(randomInt(30, 150));
    await server.kill();
    stop.abort();
    await Promise.all(writers);
    await server.restart();
    await recovered(async () => backend.read('counter'));
    await check(backend, story);
  }
}

async function write(backend: StorageBackend, id: string, story: Story, stop: AbortSignal): Promise<void> {
  for (let index = 0; !stop.aborted; index++) {
    const key = `o/${id}/${index}`;
    try {
      const body = selfProving(key, index % 10 === 0 ? 100_000 : 500);
      story.acknowledged.set(key, (await backend.write(key, body, { ifAbsent: true })).etag);
      await count(backend, story);
    } catch (error) {
      assert.ok(SecureStoreError.is(error, 'UNAVAILABLE') && error.retryable, `it failed with ${String(error)}`);
      if (error.outcome === 'unknown') story.unknown += 1;
      return;
    }
  }
}

async function count(backend: StorageBackend, story: Story): Promise<void> {
  const current = await backend.read('counter');
  const next = Buffer.from(String(Number(Buffer.from(current?.body ?? []).toString()) + 1));
  try {
    await backend.write('counter', next, { ifMatch: current?.etag ?? '' });
    story.counted += 1;
  } catch (error) {
    if (SecureStoreError.is(error, 'CONFLICT')) return;
    if (SecureStoreError.is(error) && error.outcome === 'unknown') story.uncertain += 1;
    throw error;
  }
}

/** Resolves when something is `written`. @throws AssertionError where no writer is left that could */
export async function begun(writers: readonly Promise<void>[], written: () => boolean): Promise<void> {
  const writing = { on: true };
  const ended = Promise.all(writers).finally(() => (writing.on = false));
  ended.catch(() => undefined);
  while (writing.on && !written()) await sleep(5);
  if (!writing.on) await ended;
  assert.ok(written(), 'nothing was written before the server was to be killed');
}

/** Resolves when a server that was started again is reached by `call`. */
export async function recovered(call: () => Promise<unknown>): Promise<void> {
  for (const start = performance.now(); ;) {
    try {
      await call();
      return;
    } catch (error) {
      if (!SecureStoreError.is(error, 'UNAVAILABLE') || performance.now() - start > 30_000) throw error;
      await sleep(20);
    }
  }
}

async function check(backend: StorageBackend, story: Story): Promise<void> {
  const present = new Set<string>();
  for (let after: string | undefined; ;) {
    const page = await backend.list('o/', after === undefined ? {} : { after });
    for (const { key } of page.entries) present.add(key);
    after = page.entries.at(-1)?.key;
    if (!page.more) break;
  }
  for (const key of present) {
    const found = await backend.read(key);
    assert.ok(found !== undefined && isWhole(found.body), `${key} is torn`);
    const etag = story.acknowledged.get(key);
    assert.ok(etag === undefined || etag === found.etag, `${key} is another than was acknowledged`);
  }
  for (const key of story.acknowledged.keys()) assert.ok(present.has(key), `${key} was lost`);
  assert.ok(present.size <= story.acknowledged.size + story.unknown, 'a write that failed for sure took place');
  const counter = Number(Buffer.from((await backend.read('counter'))?.body ?? []).toString());
  const most = story.counted + story.uncertain;
  assert.ok(counter >= story.counted && counter <= most, `${counter} is not ${story.counted} to ${most}`);
}
