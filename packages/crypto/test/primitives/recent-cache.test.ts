import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentCache } from '../../src/index.ts';

type Step = { readonly do: 'get' | 'set' | 'delete'; readonly key: number } | { readonly do: 'clear' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.record({ do: fc.constantFrom('get', 'set', 'delete'), key: fc.nat({ max: 7 }) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'clear' } as const) },
  ),
  { maxLength: 60 },
);

describe('a cache of what was used recently', () => {
  it('remembers the last entries, at most as many others, and of none an earlier value', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (sequence, size) => {
        const cache = new RecentCache<number, number>(size);
        /** All entries, the one used last at the end. What was deleted keeps its place, in which others were forgotten. */
        let model: [number, number | undefined][] = [];
        for (const [value, step] of sequence.entries()) {
          if (step.do === 'clear') {
            cache.clear();
            model = [];
            continue;
          }
          const known = model.find(([key]) => key === step.key);
          const others = model.filter(([key]) => key !== step.key);
          if (step.do === 'get') {
            const found = cache.get(step.key);
            expect([known?.[1], undefined]).toContain(found);
            if (known !== undefined && found !== undefined) model = [...others, known];
          } else if (step.do === 'set') {
            cache.set(step.key, value);
            model = [...others, [step.key, value]];
          } else {
            cache.delete(step.key);
            model = model.map(([key, kept]) => [key, key === step.key ? undefined : kept]);
          }
        }
        // From the one used last: looking one up makes it the last itself, so each is looked up among the last ones.
        for (const [key, value] of model.slice(-size).toReversed()) expect(cache.get(key)).toBe(value);
      }),
    );
  });

  it('holds no more than twice its size', () => {
    const cache = new RecentCache<number, number>(10);
    for (let key = 0; key < 1000; key++) cache.set(key, key);
    const held = Array.from({ length: 1000 }, (_, key) => key).filter((key) => cache.get(key) !== undefined);
    expect(held.length).toBeLessThanOrEqual(20);
    expect(held).toEqual(expect.arrayContaining([990, 999]));
  });

  it('counts what its entries weigh, and each once', () => {
    const sized = fc.record({ key: fc.nat({ max: 20 }), weight: fc.integer({ min: 1, max: 30 }), gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(sized, { maxLength: 100 }), (entries) => {
        const cache = new RecentCache<number, number>(100, (weight) => weight);
        for (const { key, weight, gone } of entries) {
          if (gone) cache.delete(key);
          else cache.set(key, weight);
        }
        const last = new Map<number, number | undefined>();
        for (const { key, weight, gone } of entries.toReversed()) {
          if (!last.has(key)) last.set(key, gone ? undefined : weight);
        }
        // From the one used last, all that fit; looking one up makes it the last itself. What was replaced has left a gap.
        let room = 100;
        for (const [key, weight] of last) {
          const stored = entries.filter((entry) => entry.key === key && !entry.gone);
          room -= stored.reduce((sum, entry) => sum + entry.weight, 0);
          if (room < 0) break;
          expect(cache.get(key)).toBe(weight);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('holds no more than twice its weight, and an entry', () => {
    const cache = new RecentCache<number, number>(1000, (weight) => weight);
    for (let key = 0; key < 1000; key++) cache.set(key, 1 + (key % 90));
    let held = 0;
    // What is looked up may push out others, which are not counted then.
    for (let key = 999; key >= 0; key--) held += cache.get(key) ?? 0;
    expect(held).toBeLessThanOrEqual(2 * 1000 + 90);
    expect(held).toBeGreaterThanOrEqual(1000);
  });
});
