import { describe, expect, it } from 'vitest';
import { type StorageBackend, createFaultInjector, limitLayer } from '../../src/index.ts';
import { settle } from './fake-time.ts';
import { layeredMemory } from './memory.ts';

/** A backend whose reads wait to be released one by one, and the keys of those that reached it. */
async function subject(most: number): Promise<{ backend: StorageBackend; reached: string[]; release: () => void }> {
  const reached: string[] = [];
  const held: (() => void)[] = [];
  const faults = createFaultInjector(({ key = '' }) => {
    reached.push(key);
    return { type: 'delay', until: new Promise((resolve) => held.push(resolve)) };
  });
  const backend = await layeredMemory(faults.layer, limitLayer(most));
  return { backend, reached, release: () => held.shift()?.() };
}

describe('limitLayer', () => {
  it('lets no more calls run than it says, and the others in their order', async () => {
    const { backend, reached, release } = await subject(2);
    const reads = ['a', 'b', 'c', 'd', 'e'].map(async (key) => backend.read(key));
    await settle();
    expect(reached).toEqual(['a', 'b']);
    for (const expected of ['abc', 'abcd', 'abcde', 'abcde', 'abcde']) {
      release();
      await settle();
      expect(reached.join('')).toBe(expected);
    }
    await Promise.all(reads);
  });

  it('goes on after failures', async () => {
    const backend = await layeredMemory(limitLayer(1));
    const calls = Array.from({ length: 5 }, async () => backend.read('No Key'));
    const outcomes = await Promise.allSettled([...calls, backend.read('key')]);
    expect(outcomes.map(({ status }) => status)).toEqual([...Array<string>(5).fill('rejected'), 'fulfilled']);
  });

  it('lets a call that is aborted leave the queue without taking a turn', async () => {
    const { backend, reached, release } = await subject(1);
    const running = backend.read('a');
    await settle();
    const controller = new AbortController();
    const waiting = backend.read('b', { signal: controller.signal }).catch((error: unknown) => error);
    const next = backend.read('c');
    await settle();
    controller.abort(new Error('enough'));
    expect(await waiting).toMatchObject({ code: 'ABORTED', cause: new Error('enough') });
    release();
    await settle();
    release();
    await Promise.all([running, next]);
    expect(reached).toEqual(['a', 'c']);
  });

  it('refuses a call that comes aborted while all turns are taken', async () => {
    const { backend, release } = await subject(1);
    const running = backend.read('a');
    await settle();
    await expect(backend.read('b', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    release();
    await running;
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity])('refuses a limit of %s', (most) => {
    expect(() => limitLayer(most)).toThrowError(RangeError);
  });
});
