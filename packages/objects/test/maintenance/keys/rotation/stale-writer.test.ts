import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { EagerClock } from '../../../support/eager-clock.ts';
import { memoryPlace, withoutBatch } from '../../../support/places.ts';
import { createAt, openAt, usePlace } from '../../../support/stores.ts';

const KEY = Buffer.alloc(32, 8);

it.each([
  ['with batches', undefined],
  ['without batches', withoutBatch],
] as const)(
  'a writer that knows neither the new key nor that its version has been replaced overwrites it all the same, %s',
  async (_name, wrap) => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const other = await createAt(place, { clock });
    await other.slots.add(rawKey(KEY));
    const stale = await openAt(place, { clock, ...(wrap === undefined ? {} : { wrap }) });
    await stale.store('k', 'one');
    await other.store('k', 'two');
    // What the stale writer would copy to the history is there already, under a key that it has never heard of.
    await other.rotateEncryptionKey(KEY, KEY, { depth: 'data' });
    const { version } = await stale.store('k', 'three');
    expect((await other.retrieve('k')).text()).toBe('three');
    expect((await other.history('k')).map((entry) => entry.version)).toHaveLength(3);
    expect((await other.history('k'))[0]?.version).toBe(version);
  },
);
