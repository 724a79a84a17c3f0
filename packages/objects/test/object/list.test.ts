import { objectName } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { describeListing } from '../surface/list.ts';
import { embedded } from '../surface/surface.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, usePlace } from '../support/stores.ts';

describeListing(embedded);

it.each(['encrypted', 'plain'] as const)(
  'keys() with %s names gives the keys before a foreign object, and then the error',
  async (names) => {
    const place = usePlace(memoryPlace);
    const store = await createAt(place, { names });
    const keys = Array.from({ length: 300 }, (_, index) => `k${index}`);
    await store.storeMany(keys.map((key) => ({ key, data: '' })));
    const inOrder = await Array.fromAsync(store.keys());
    expect(inOrder).toHaveLength(keys.length);
    const backend = await place.open();
    const { entries } = await backend.list('o/', { limit: 200 });
    const foreign = `${entries.at(-1)?.key.slice('o/'.length)}~`;
    await backend.write(objectName(foreign), new Uint8Array(100));
    const seen: string[] = [];
    const reading = (async () => {
      for await (const key of store.keys()) seen.push(key);
    })();
    await failure(reading, 'INTEGRITY');
    expect(seen).toEqual(inOrder.slice(0, 200));
  },
);
