import { createCallCounter } from '@securestore/backend-api';
import { instant, systemClock } from '@securestore/jobs';
import { describe, expect, it } from 'vitest';
import { RecordCache } from '../../src/engine/record-cache.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, usePlace } from '../support/stores.ts';

describe('what is remembered of objects', () => {
  it('spares the reads of overwriting thousands of small ones in turn', async () => {
    const counter = createCallCounter();
    const store = await createAt(usePlace(memoryPlace), { layers: [counter.layer] });
    const names = Array.from({ length: 3000 }, (_, index) => `a/${index}`);
    for (const name of names) await store.store(name, 'first');
    counter.reset();
    for (const name of names) await store.store(name, 'second');
    const { calls } = counter;
    expect(calls.filter(({ key }) => key !== 'store').map(({ operation }) => operation)).toEqual(
      names.map(() => 'batch'),
    );
  }, 600_000);

  it('takes no more memory, however large what it came with was', () => {
    const clock = systemClock();
    const cache = new RecordCache(clock, 60_000);
    const received = Buffer.alloc(1024 * 1024, 7);
    cache.setRead('token', { bytes: received.subarray(5, 505), etag: '1' }, instant(clock));
    const found = cache.get('token');
    if (found === undefined || found === 'exists') throw new Error('it was forgotten');
    expect(received.subarray(5, 505).equals(found.stored.bytes)).toBe(true);
    expect(found.stored.bytes.buffer.byteLength).toBeLessThan(100_000);
  });
});
