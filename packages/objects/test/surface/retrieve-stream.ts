import { forwardTo } from '@securestore/backend-api';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryPlace } from '../support/places.ts';
import { failure, patterned, readRange, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';
import { TORTURE } from '../../../../tools/campaigns/src/size.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Data as streams, and ranges of them. */
export function describeRetrievedStreams(surface: Surface): void {
  describe('ranges', () => {
    it('are slices', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const objects = new Map<string, Buffer>();
      for (const length of [0, 1, 1000, 64 * KIB, 64 * KIB + 1, 256 * KIB, 5 * MIB]) {
        objects.set(`k${length}`, patterned(length));
        await store.store(`k${length}`, patterned(length));
      }
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...objects.entries()),
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.integer({ min: 0, max: 200_000 }),
          async ([key, data], from, count) => {
            const start = Math.round(from * data.length);
            expect(
              (await readRange(store, key, { start, end: start + count })).equals(data.subarray(start, start + count)),
            ).toBe(true);
            expect((await readRange(store, key, { start })).equals(data.subarray(start))).toBe(true);
            expect((await readRange(store, key, { end: count })).equals(data.subarray(0, count))).toBe(true);
          },
        ),
        { numRuns: Math.ceil((TORTURE ? 2000 : 40) * surface.share) },
      );
    });

    it.each([
      { start: -1 },
      { start: 1.5 },
      { start: '0' },
      { start: Number.NaN },
      { end: -1 },
      { end: Number.POSITIVE_INFINITY },
      { start: 3, end: 2 },
      { start: 5 },
      { start: 2 ** 53 },
      { end: null },
    ])('like %o are refused', async (options) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('k', 'four');
      await failure(store.retrieveStream('k', options as never), 'INVALID_ARGUMENT');
    });

    it('read only the chunks that they touch', async () => {
      const place = usePlace(memoryPlace);
      const writer = await surface.createAt(place);
      await writer.store('k', patterned(5 * MIB));
      let bytes = 0;
      const store = await surface.openAt(place, {
        wrap: (backend) =>
          forwardTo(backend, {
            read: async (key, options) => {
              const found = await backend.read(key, options);
              if (key.startsWith('b/')) bytes += found?.body.length ?? 0;
              return found;
            },
          }),
      });
      await readRange(store, 'k', { start: 3 * MIB + 5, end: 3 * MIB + 15 });
      expect(bytes).toBe(64 * KIB + 16);
    });
  });

  describe('a retrieved stream', () => {
    it('can be left at any point', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('k', patterned(5 * MIB));
      const { stream } = await store.retrieveStream('k');
      for await (const chunk of stream) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      const second = await store.retrieveStream('k');
      await second.stream.cancel();
      expect((await store.info('k')).size).toBe(5 * MIB);
    });

    it('of an object that is purged meanwhile says so', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('k', patterned(20 * MIB));
      const { stream } = await store.retrieveStream('k');
      const reader = stream.getReader();
      await reader.read();
      await store.purge('k');
      const rest = (async () => {
        while (!(await reader.read()).done);
      })();
      expect(await failure(rest, 'NOT_FOUND')).toMatchObject({ operation: 'retrieveStream', key: 'k' });
    });

    it('of an object that is overwritten meanwhile goes on', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const data = patterned(20 * MIB);
      await store.store('k', data);
      const { stream } = await store.retrieveStream('k');
      const reader = stream.getReader();
      const first = await reader.read();
      await store.store('k', 'other');
      const rest: Uint8Array[] = first.done ? [] : [first.value];
      for (let step = await reader.read(); !step.done; step = await reader.read()) rest.push(step.value);
      expect(data.equals(Buffer.concat(rest))).toBe(true);
    });
  });
}
