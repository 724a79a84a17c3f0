import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { historyName, markerName, objectName, partName } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectArea } from '../../../src/maintenance/gc/merge-listings.ts';
import { TokenMerge } from '../../../src/maintenance/gc/merge-listings.ts';
import { memoryPlace } from '../../support/places.ts';
import { usePlace } from '../../support/stores.ts';

const AREAS: readonly ObjectArea[] = ['objects', 'history', 'blobs', 'markers'];

/** How many names of each area a token has, and how many of them are asked for. */
interface Group {
  readonly token: string;
  readonly counts: Readonly<Record<ObjectArea, number>>;
  readonly taken: number;
}

const segment = fc.stringMatching(/^[a-z0-9_]{1,3}$/);
const tokens = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([segments, hidden]) => segments.join('/') + (hidden ? '/~0' : ''));

const groups: fc.Arbitrary<Group[]> = fc.uniqueArray(
  fc.record({
    token: tokens,
    counts: fc.record({ objects: fc.nat(1), history: fc.nat(3), blobs: fc.nat(3), markers: fc.nat(2) }),
    taken: fc.nat(3),
  }),
  { maxLength: 30, selector: ({ token }) => token },
);

const id = (n: number): Buffer => Buffer.alloc(16, n);

async function fill(backend: StorageBackend, { token, counts }: Group): Promise<void> {
  const name = {
    objects: () => objectName(token),
    history: (n: number) => historyName(token, n),
    blobs: (n: number) => partName(token, id(0), n),
    markers: (n: number) => markerName(token, id(n)),
  };
  for (const area of AREAS) {
    for (let n = 0; n < counts[area]; n++) await backend.write(name[area](n), Buffer.alloc(1));
  }
}

const hasAny = ({ counts }: Group): boolean => AREAS.some((area) => counts[area] > 0);

describe('the listings of all areas side by side', () => {
  it('give everything of each object together, in one order, from any token on', async () => {
    await fc.assert(
      fc.asyncProperty(groups, fc.nat(30), async (all, start) => {
        const backend = await usePlace(memoryPlace).open();
        for (const group of all) await fill(backend, group);
        const expected = all.filter(hasAny).toSorted((a, b) => (a.token < b.token ? -1 : 1));
        const after = expected[start]?.token;
        const merge = new TokenMerge(backend, after, () => expect.fail('nothing is foreign'));
        for (const { token, counts, taken } of after === undefined ? expected : expected.slice(start + 1)) {
          expect(await merge.next()).toBe(token);
          for (const area of AREAS) {
            expect(await merge.has(area)).toBe(counts[area] > 0);
            const found: string[] = [];
            // What is not taken is passed over by the next step.
            if (taken > 0) for await (const { entry } of merge.of(area)) found.push(entry.key);
            expect(found).toHaveLength(taken > 0 ? counts[area] : 0);
          }
        }
        expect(await merge.next()).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  it('tell what has no token', async () => {
    const backend = await usePlace(memoryPlace).open();
    for (const name of ['h/a', 'b/a/00000000', 'g/probe/x', 'o/a']) await backend.write(name, Buffer.alloc(1));
    const foreign: string[] = [];
    const merge = new TokenMerge(backend, undefined, ({ key }) => void foreign.push(key));
    expect(await merge.next()).toBe('a');
    expect(await merge.next()).toBeUndefined();
    expect(foreign.toSorted()).toEqual(['b/a/00000000', 'g/probe/x', 'h/a']);
  });

  it('hold two pages of each area at most, however much there is', async () => {
    const inner = await usePlace(memoryPlace).open();
    for (let n = 0; n < 5000; n++) {
      const token = `t${n}`;
      await fill(inner, { token, counts: { objects: 1, history: 1, blobs: n === 7 ? 5000 : 1, markers: 0 }, taken: 0 });
    }
    let listed = 0;
    let used = 0;
    let most = 0;
    const backend = forwardTo(inner, {
      list: async (prefix, options) => {
        const page = await inner.list(prefix, options);
        listed += page.entries.length;
        most = Math.max(most, listed - used);
        return page;
      },
    });
    const merge = new TokenMerge(backend, undefined, () => undefined);
    while ((await merge.next()) !== undefined) {
      for (const area of AREAS) for await (const _ of merge.of(area)) used += 1;
    }
    expect(used).toBe(listed);
    expect(used).toBe(19_999);
    expect(most).toBeLessThanOrEqual(AREAS.length * 2 * 1000);
  });
});
