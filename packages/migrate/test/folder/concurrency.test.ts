import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGate, forEachConcurrently } from '../../src/folder/concurrency.ts';

async function* breakingOff(): AsyncGenerator<number> {
  yield 1;
  throw new Error('no more');
}

describe('forEachConcurrently', () => {
  it('does everything once, and never more at a time than it may', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 5 }), async (items, limit) => {
        const done: number[] = [];
        let running = 0;
        await forEachConcurrently(items.entries(), limit, async ([index, turns]) => {
          running += 1;
          expect(running).toBeLessThanOrEqual(limit);
          for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
          running -= 1;
          done.push(index);
        });
        expect(done.toSorted((a, b) => a - b)).toEqual([...items.keys()]);
      }),
    );
  });

  it('throws the first failure when what was under way has ended, and begins nothing more', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      await Promise.resolve();
      if (item === 1) throw new Error('the first');
      await new Promise((resolve) => void setImmediate(resolve));
      ended.push(item);
    };
    await expect(forEachConcurrently([0, 1, 2, 3, 4, 5], 2, work)).rejects.toThrow('the first');
    expect(begun.length).toBeLessThan(6);
    expect(ended).toEqual(begun.filter((item) => item !== 1));
  });

  it('throws what the source throws, and waits for what is under way', async () => {
    let ended = false;
    const work = async (): Promise<void> => {
      await new Promise((resolve) => void setImmediate(resolve));
      ended = true;
    };
    await expect(forEachConcurrently(breakingOff(), 4, work)).rejects.toThrow('no more');
    expect(ended).toBe(true);
  });
});

describe('a gate', () => {
  it('lets in as many as it may, in order, also after a failure', async () => {
    const gate = createGate(2);
    const order: number[] = [];
    let inside = 0;
    const results = await Promise.allSettled(
      [0, 1, 2, 3, 4].map((item) =>
        gate(async () => {
          inside += 1;
          expect(inside).toBeLessThanOrEqual(2);
          order.push(item);
          await new Promise((resolve) => void setImmediate(resolve));
          inside -= 1;
          if (item === 1) throw new Error('failed');
          return item;
        }),
      ),
    );
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
  });
});
