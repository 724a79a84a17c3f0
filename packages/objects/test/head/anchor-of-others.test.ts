import { expect, it } from 'vitest';
import type { Anchor } from '../../src/index.ts';
import { attack } from '../support/attacker.ts';
import { memoryAnchor } from '../support/anchors.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';

it('a process that has a store open does not make an anchor forget the one that was put in its place', async () => {
  const place = usePlace(memoryPlace);
  const anchor = memoryAnchor();
  const old = await createAt(place, { anchor });
  await old.store('k', 'old');
  const attacker = await attack(place);
  const before = await attacker.copy();
  await attacker.restore(new Map());
  const store = await createAt(place, { anchor, acceptRollback: true });
  await store.store('k', 'new');
  await store.close();
  await old.close();
  expect((await (await openAt(place, { anchor })).retrieve('k')).text()).toBe('new');
  await attacker.restore(before);
  await failure(openAt(place, { anchor }), 'ROLLBACK');
});

it('a head that another process replaces and remembers while a store is opened is no rollback', async () => {
  const place = usePlace(memoryPlace);
  const anchor = memoryAnchor();
  const store = await createAt(place, { anchor });
  await store.store('k', 'value');
  let isFirst = true;
  const late: Anchor = {
    ...anchor,
    // Called when the head has been read.
    async read(url) {
      if (isFirst) {
        isFirst = false;
        await store.settings.change({ history: { versions: 7 } });
      }
      return anchor.read(url);
    },
  };
  const opened = await openAt(place, { anchor: late });
  expect((await opened.retrieve('k')).text()).toBe('value');
});

it('a head that changes while a store is opened, and is still older than the one seen before, is a rollback', async () => {
  const place = usePlace(memoryPlace);
  const anchor = memoryAnchor();
  const store = await createAt(place, { anchor });
  const attacker = await attack(place);
  const older: Awaited<ReturnType<typeof attacker.copy>>[] = [];
  for (const versions of [7, 8, 9]) {
    older.push(await attacker.copy());
    await store.settings.change({ history: { versions } });
  }
  await store.close();
  const putBack = async (): Promise<void> => {
    const copy = older.shift();
    if (copy !== undefined) await attacker.restore(copy);
  };
  await putBack();
  const alternating: Anchor = {
    ...anchor,
    async read(url) {
      await putBack();
      return anchor.read(url);
    },
  };
  await failure(openAt(place, { anchor: alternating }), 'ROLLBACK');
});
