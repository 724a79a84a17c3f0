import { forwardTo, type StorageBackend } from '@securestore/backend-api';
import { BACKUP_AREAS } from '@securestore/core-format';
import { expect, test } from 'vitest';
import { usePlace } from '../../../objects/test/support/stores.ts';
import { contentsOf, memoryAt, restoredFrom, snapshotAt, worldOf } from '../support/worlds.ts';

/** The names that were read at a destination. */
function readingNames(names: string[]): (inner: StorageBackend) => StorageBackend {
  return (inner) =>
    forwardTo(inner, {
      read: (name, options) => {
        names.push(name);
        return inner.read(name, options);
      },
    });
}

// The journal has been on since the first snapshot, and announces what the first pass of another destination reads, too.
test('a first snapshot of what the journal announces as well reads no envelopes again', async () => {
  const { store, destination, clock } = await worldOf();
  await snapshotAt(store, destination);
  for (let at = 0; at < 40; at++) await store.store(`k/${at}`, `value ${at}`);
  await store.store('k/1', 'changed');
  const other = usePlace(() => memoryAt(clock));
  const read: string[] = [];
  const { objects, versions } = await snapshotAt(store, other, { wrap: readingNames(read) });
  expect({ objects, versions }).toEqual({ objects: 40, versions: 41 });
  expect(read.filter((name) => name.startsWith(BACKUP_AREAS.envelopes))).toEqual([]);
  const restored = await restoredFrom(other, clock);
  expect(await contentsOf(restored.store)).toEqual(await contentsOf(store));
});
