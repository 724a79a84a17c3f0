import { describe, expect, it } from 'vitest';
import { memoryPlace } from '../support/places.ts';
import { failure, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';

/** A source that notes whether it was closed, and fails or misbehaves after `good` bytes. */
function watched(good: number, end: () => unknown): { data: AsyncIterable<Uint8Array>; closed: () => boolean } {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.alloc(good, 1);
      for (;;) yield (await end()) as Uint8Array;
    } finally {
      closed = true;
    }
  }
  return { data: source(), closed: () => closed };
}

/** Streams of data to store that fail or misbehave. */
export function describeSources(surface: Surface): void {
  describe.each([
    ['small', 10],
    ['large', 200_000],
  ])('a %s stream', (_size, good) => {
    it('that fails fails the call and changes nothing', async () => {
      const place = usePlace(memoryPlace);
      const store = await surface.createAt(place);
      await store.store('k', 'before');
      const problem = new Error('disk on fire');
      const { data, closed } = watched(good, () => Promise.reject(problem));
      const error = await failure(store.store('k', data), 'INVALID_ARGUMENT');
      expect(error.cause).toBe(problem);
      expect(error.outcome).toBeUndefined();
      expect(closed()).toBe(true);
      expect((await store.retrieve('k')).text()).toBe('before');
      expect((await (await place.open()).list('b/')).entries).toEqual([]);
    });

    it.each(['text', 7, null, undefined, [1, 2], new ArrayBuffer(3)])(
      'that gives %o is refused and closed',
      async (chunk) => {
        const place = usePlace(memoryPlace);
        const store = await surface.createAt(place);
        const { data, closed } = watched(good, () => chunk);
        await failure(store.store('k', data), 'INVALID_ARGUMENT');
        expect(closed()).toBe(true);
        expect(await store.has('k')).toBe(false);
        expect((await (await place.open()).list('b/')).entries).toEqual([]);
      },
    );

    it('that meets a failing condition is closed', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('k', 'before');
      let ends = 2;
      const { data, closed } = watched(good, async () => {
        if (ends-- > 0) return Buffer.alloc(10);
        if (!surface.readsAhead) throw new Error('read on');
        await new Promise(setImmediate);
        return Buffer.alloc(1000);
      });
      const call = store.store('k', good > 100 ? data : new Blob([Buffer.alloc(good)]), { ifAbsent: true });
      await failure(call, 'CONFLICT');
      if (good > 100) expect(closed()).toBe(true);
      expect((await store.retrieve('k')).text()).toBe('before');
    });

    it('that is locked is refused', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const stream = new Blob([Buffer.alloc(good)]).stream();
      stream.getReader();
      await failure(store.store('k', stream), 'INVALID_ARGUMENT');
    });

    it.each<[string, () => unknown]>([
      ['nothing', () => undefined],
      ['null', () => null],
      ['a number', () => 7],
      ['a text', () => 'abc'],
      ['a promise of null', async () => null],
      [
        'an object that can not be looked into',
        () =>
          Object.defineProperty({}, 'done', {
            get: () => {
              throw new Error('no');
            },
          }),
      ],
    ])('whose next() gives %s is refused', async (_what, next) => {
      const place = usePlace(memoryPlace);
      const store = await surface.createAt(place);
      let calls = 0;
      const first = { done: false, value: Buffer.alloc(good) };
      const data = { [Symbol.asyncIterator]: () => ({ next: () => (calls++ === 0 ? first : next()) }) };
      await failure(store.store('k', data as never), 'INVALID_ARGUMENT');
      expect(await store.has('k')).toBe(false);
      expect(calls).toBe(2);
      expect((await (await place.open()).list('b/')).entries).toEqual([]);
      await store.store('k', Buffer.alloc(good + 1));
      calls = 0;
      await failure(store.matches('k', data as never), 'INVALID_ARGUMENT');
    });
  });

  it.each([null, 7, 'text', undefined])('a source whose iterator is %o is refused', async (iterator) => {
    const store = await surface.createAt(usePlace(memoryPlace));
    await failure(store.store('k', { [Symbol.asyncIterator]: () => iterator } as never), 'INVALID_ARGUMENT');
  });
}
