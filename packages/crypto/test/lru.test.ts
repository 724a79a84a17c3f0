import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lru } from '../src/index.ts';

type Step = { readonly do: 'get' | 'set' | 'delete'; readonly key: number } | { readonly do: 'clear' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.record({ do: fc.constantFrom('get', 'set', 'delete'), key: fc.nat({ max: 7 }) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'clear' } as const) },
  ),
  { maxLength: 60 },
);

describe('an LRU map', () => {
  it('remembers the most recently used entries up to its limit, and no others', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (sequence, limit) => {
        const lru = new Lru<number, number>(limit);
        let model: [number, number][] = [];
        for (const [value, step] of sequence.entries()) {
          if (step.do === 'clear') {
            lru.clear();
            model = [];
            continue;
          }
          const found = model.find(([key]) => key === step.key);
          const others = model.filter(([key]) => key !== step.key);
          if (step.do === 'get') {
            expect(lru.get(step.key)).toBe(found?.[1]);
            if (found !== undefined) model = [...others, found];
          } else if (step.do === 'set') {
            lru.set(step.key, value);
            model = [...others, [step.key, value] satisfies [number, number]].slice(-limit);
          } else {
            lru.delete(step.key);
            model = others;
          }
        }
        for (const [key, value] of model) expect(lru.get(key)).toBe(value);
      }),
    );
  });
});
