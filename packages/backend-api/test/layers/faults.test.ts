import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, it } from 'vitest';
import { type StorageBackend, createCallCounter, createFaultInjector } from '../../src/index.ts';
import { settle } from './fake-time.ts';
import { BODY, layeredMemory } from './memory.ts';

async function named(): Promise<StorageBackend> {
  const backend = new MemoryBackend();
  await backend.init({ url: 'memory:faults-test', options: {} });
  return backend;
}

describe('createFaultInjector', () => {
  it('fails the planned call without reaching the backend', async () => {
    const counter = createCallCounter();
    const faults = createFaultInjector(({ index }) => (index === 1 ? { type: 'fail' } : undefined));
    const backend = await layeredMemory(counter.layer, faults.layer);
    await backend.write('a', BODY);
    await expect(backend.write('b', BODY)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    await backend.write('c', BODY);
    expect(counter.calls.map(({ key }) => key)).toEqual(['a', 'c']);
    expect(faults.calls).toBe(3);
  });

  it('numbers calls from its creation, whatever the plan at the time', async () => {
    const faults = createFaultInjector();
    const backend = await layeredMemory(faults.layer);
    await backend.read('a');
    const seen: number[] = [];
    faults.plan(({ index }) => {
      seen.push(index);
      return undefined;
    });
    await backend.read('a');
    faults.plan(undefined);
    await backend.read('a');
    expect([seen, faults.calls]).toEqual([[1], 3]);
  });

  it('loses an acknowledgement after the write took place', async () => {
    const faults = createFaultInjector(() => ({ type: 'lose-acknowledgement' }));
    const backend = await layeredMemory(faults.layer);
    await expect(backend.write('key', BODY)).rejects.toMatchObject({ code: 'UNAVAILABLE', outcome: 'unknown' });
    faults.plan(undefined);
    expect((await backend.read('key'))?.body).toEqual(BODY);
  });

  it.each([
    ['kill-before', undefined],
    ['kill-after', BODY],
  ] as const)('%s: nothing settles any more, and what was stored is there', async (type, stored) => {
    const observer = await named();
    await observer.delete('key');
    const faults = createFaultInjector(({ operation }) => (operation === 'write' ? { type } : undefined));
    const backend = faults.layer(await named());
    let settled = 0;
    const note = (): number => (settled += 1);
    backend.write('key', BODY).then(note, note);
    await faults.killed;
    backend.read('key').then(note, note);
    backend.write('other', BODY).then(note, note);
    await settle();
    expect(settled).toBe(0);
    expect((await observer.read('key'))?.body).toEqual(stored);
    expect(await observer.read('other')).toBeUndefined();
  });

  it('stops a call that is held up before it reaches the backend', async () => {
    const observer = await named();
    await observer.delete('key');
    const held = Promise.withResolvers<void>();
    const faults = createFaultInjector(() => ({ type: 'delay', until: held.promise }));
    const backend = faults.layer(await named());
    let settled = false;
    void backend.write('key', BODY).finally(() => (settled = true));
    faults.kill();
    held.resolve();
    await settle();
    expect([settled, await observer.read('key')]).toEqual([false, undefined]);
  });
});

describe('createCallCounter', () => {
  it('counts calls by operation, with what they were', async () => {
    const counter = createCallCounter();
    const backend = await layeredMemory(counter.layer);
    const { etag } = await backend.write('key', BODY);
    await backend.write('key', BODY, { ifMatch: etag });
    await backend.read('key');
    await backend.list('k');
    await backend.delete('key');
    expect([counter.count(), counter.count('write'), counter.count('batch')]).toEqual([5, 2, 0]);
    expect(counter.calls.map(({ effect }) => effect)).toEqual([
      'repeatable',
      'conditional',
      'none',
      'none',
      'repeatable',
    ]);
    counter.reset();
    expect(counter.count()).toBe(0);
  });
});
