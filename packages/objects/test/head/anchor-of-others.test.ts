import { expect, it } from 'vitest';
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
  const store = await createAt(place, { anchor });
  await store.store('k', 'new');
  await store.close();
  await old.close();
  expect((await (await openAt(place, { anchor })).retrieve('k')).text()).toBe('new');
  await attacker.restore(before);
  await failure(openAt(place, { anchor }), 'ROLLBACK');
});
