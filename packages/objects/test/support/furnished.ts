import { splitRecord } from '@securestore/core-format';
import { expect } from 'vitest';
import { loadState } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import type { Club, Person } from './members.ts';
import { club } from './members.ts';
import { patterned, UNLOCK } from './stores.ts';
import type { Bodies } from './thief.ts';
import { headOf } from './thief.ts';
import { extensionsOf } from '../../src/internal.ts';

/** A store with something of everything. */
export async function furnished(): Promise<Club & { readonly ann: Person }> {
  const all = await club({ journal: true });
  const { owner, join } = all;
  for (const folder of ['red', 'blue', 'other']) {
    await owner.store(`${folder}/small`, `first of ${folder}`);
    await owner.store(`${folder}/small`, `second of ${folder}`);
    await owner.store(`${folder}/large`, patterned(200_000));
    await owner.store(`${folder}/gone`, 'x');
    await owner.delete(`${folder}/gone`);
  }
  await extensionsOf(owner).policy.change('access.change', () => ({ policy: Buffer.from('the policy') }));
  const ann = await join('ann', { categories: ['red'] });
  await join('bob', { categories: ['blue', 'default'] });
  await owner.checkpoint();
  return { ...all, ann };
}

/** The ids of the categories, as a member reads them. */
export async function categoryIds({
  attacker,
  place,
}: Pick<Club, 'attacker' | 'place'>): Promise<Record<'red' | 'blue', Uint8Array>> {
  const backend = await place.open();
  const head = headOf(await attacker.copy());
  const { categories } = await loadState(backend, head, await unlockRoot(head, UNLOCK));
  const idOf = (name: string): Uint8Array => categories.find(name) ?? expect.fail(`no category ${name}`);
  return { red: idOf('red'), blue: idOf('blue') };
}

/** Those names that are of records of a category. */
export function recordsOf(bodies: Bodies, category: Uint8Array): string[] {
  return [...bodies.keys()].filter((name) => {
    const body = bodies.get(name) ?? Buffer.alloc(0);
    return /^[oh]\//.test(name) && Buffer.compare(splitRecord(body).header.categoryId, category) === 0;
  });
}
