import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SecureStoreError, openStore, rawKey } from 'securestore';
import type { SecureStore } from 'securestore';
import type { Server } from '../../../../tools/services/src/provide/server.ts';
import { isWhole, selfProving } from '../../../backend-fs/test/support/bodies.ts';
import { begun, recovered } from './server-crash.ts';

const MIB: number = 2 ** 20;
const SIZES = [10, 1000, 100_000, 9 * MIB] as const;

/** What a store was told while its server was killed again and again. */
interface Story {
  readonly acknowledged: Set<string>;
  /** Those of which it was said that they may have been stored. */
  readonly undecided: Set<string>;
}

/**
 * Kills a server `kills` times under a store that writes small and large objects: what was acknowledged is there and whole,
 * what was said to have failed is not, and the store is intact.
 */
export async function crashServerOfStore(server: Server, url: string, kills: number): Promise<void> {
  const unlock = rawKey(Buffer.alloc(32, 7));
  await using store = await openStore(url, { unlock, create: true, maintenance: false });
  await store.store('before', 'x');
  const story: Story = { acknowledged: new Set(), undecided: new Set() };
  for (let kill = 0; kill < kills; kill++) {
    const stop = new AbortController();
    const before = story.acknowledged.size;
    const writers = SIZES.map(async (size) => write(store, `o/${kill}/${size}`, size, story, stop.signal));
    await begun(writers, () => story.acknowledged.size > before);
    await sleep(randomInt(30, 300));
    await server.kill();
    stop.abort();
    await Promise.all(writers);
    await server.restart();
    await recovered(async () => store.retrieve('before'));
    await check(store, story);
  }
}

async function write(store: SecureStore, name: string, size: number, story: Story, stop: AbortSignal): Promise<void> {
  for (let index = 0; !stop.aborted; index++) {
    const key = `${name}/${index}`;
    try {
      await store.store(key, selfProving(key, size));
      story.acknowledged.add(key);
    } catch (error) {
      assert.ok(SecureStoreError.is(error, 'UNAVAILABLE') && error.retryable, `it failed with ${String(error)}`);
      if (error.outcome === 'unknown') story.undecided.add(key);
      return;
    }
  }
}

async function check(store: SecureStore, { acknowledged, undecided }: Story): Promise<void> {
  const present = new Set(await store.list('o/'));
  for (const key of acknowledged) assert.ok(present.has(key), `${key} was lost`);
  for (const key of present) {
    assert.ok(acknowledged.has(key) || undecided.has(key), `${key} is there, and was said to have failed`);
    assert.ok(isWhole((await store.retrieve(key)).data), `${key} is torn`);
  }
  assert.deepEqual((await store.verify({ payloads: true })).findings, []);
}
