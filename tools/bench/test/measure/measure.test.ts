import { describe, expect, it } from 'vitest';
import { inFlight, measure, measureArea, median } from '../../src/measure/measure.ts';
import type { Contender } from '../../src/measure/model.ts';

/** A contender whose samples are given; `order` records who was asked when. */
function contender(name: string, values: readonly number[], order: string[] = []): Contender {
  let next = 0;
  return {
    name,
    role: 'ours',
    sample: () => {
      order.push(name);
      return Promise.resolve(values[next++] ?? Number.NaN);
    },
  };
}

describe('measure', () => {
  it('reports the median and the spread, without the round that warms up', async () => {
    const contenders = [contender('a', [1000, 5, 1, 4, 2, 3])];
    const { samples } = await measure({ work: 'w', unit: 'ms', contenders }, 5);
    expect(samples).toEqual([{ name: 'a', role: 'ours', median: 3, min: 1, max: 5 }]);
  });

  it('takes turns, beginning with another one in each round', async () => {
    const order: string[] = [];
    const contenders = ['a', 'b', 'c'].map((name) => contender(name, [1, 1, 1], order));
    await measure({ work: 'w', unit: 'ms', contenders }, 2);
    expect(order.join('')).toBe('abcbcacab');
  });
});

describe('measureArea', () => {
  it('names an absent contender once', async () => {
    const area = {
      title: 't',
      async *comparisons({ absent }: { absent: (absence: { name: string; reason: string }) => void }) {
        absent({ name: 'age', reason: 'not installed' });
        absent({ name: 'age', reason: 'not installed' });
        yield { work: 'w', unit: 'ms' as const, contenders: [contender('a', [1, 1, 1, 1, 1, 1])] };
      },
    };
    const rows: string[] = [];
    const measured = await measureArea(area, { scratch: '', scale: 1, progress: () => undefined }, ({ work }) =>
      rows.push(work),
    );
    expect(measured.absent).toEqual([{ name: 'age', reason: 'not installed' }]);
    expect(rows).toEqual(['w']);
  });
});

describe('median', () => {
  it.each([
    [[1, 2, 9], 2],
    [[1, 2, 4, 9], 3],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('inFlight', () => {
  it('does every step once, with no more than its width under way', async () => {
    const done: number[] = [];
    let underWay = 0;
    let most = 0;
    await inFlight(20, 4, async (index) => {
      most = Math.max(most, ++underWay);
      await Promise.resolve();
      underWay -= 1;
      done.push(index);
    });
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(most).toBe(4);
  });
});
