import { AREAS, splitRecord } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { tombstoneGuard } from '../../src/checkpoint/tombstone-guard.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { OpenedEngine } from '../support/engines.ts';
import { engineAt } from '../support/engines.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, usePlace } from '../support/stores.ts';

async function opened(): Promise<OpenedEngine> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock })).close();
  return engineAt(place, clock);
}

/** Whether each of the objects, in the order of their tokens, may be forgotten. */
async function answers(engine: Engine): Promise<boolean[]> {
  const mayForget = await tombstoneGuard(engine);
  const { entries } = await engine.backend.list(AREAS.objects);
  const found: boolean[] = [];
  for (const { key } of entries) {
    const { body } = (await engine.backend.read(key)) ?? { body: Buffer.alloc(0) };
    found.push(await mayForget(key.slice(AREAS.objects.length), splitRecord(body).header));
  }
  return found;
}

describe('a deletion', () => {
  it('may be forgotten where there is no checkpoint', async () => {
    const { store, engine } = await opened();
    await store.store('k', 'x');
    await store.delete('k');
    expect(await answers(engine)).toEqual([true]);
  });

  it.each(['delete', 'purge'] as const)('may be forgotten once a checkpoint holds it: %s', async (action) => {
    const { store, engine } = await opened();
    await store.store('k', 'x');
    await store.checkpoint();
    await store[action]('k');
    expect(await answers(engine)).toEqual([false]);
    await store.checkpoint();
    expect(await answers(engine)).toEqual([true]);
    await store.store('k', 'again');
    await store[action]('k');
    expect(await answers(engine)).toEqual([false]);
  });

  it('may not be forgotten where the checkpoint does not know the object, or its page is damaged', async () => {
    const { store, engine } = await opened();
    await store.checkpoint();
    await store.store('k', 'x');
    await store.delete('k');
    expect(await answers(engine)).toEqual([false]);
    await store.checkpoint();
    for (const { key } of (await engine.backend.list(AREAS.checkpoints)).entries) {
      if (key !== engine.monitor.state.head.references.checkpoint?.name) await engine.backend.delete(key);
    }
    expect(await answers(engine)).toEqual([false]);
  });
});
