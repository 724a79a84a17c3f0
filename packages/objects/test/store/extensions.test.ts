import { expect, it } from 'vitest';
import { extensionsOf } from '../../src/internal.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, usePlace } from '../support/stores.ts';

function membersOf(target: object): unknown[] {
  const members: unknown[] = [];
  for (let at = target; at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at)) members.push(Reflect.get(at, name, target));
  return members;
}

it('what other packages do with a store is no member of it, nor shown where it is printed', async () => {
  const store = await createAt(usePlace(memoryPlace));
  const extensions: unknown[] = Object.values(extensionsOf(store));
  expect(extensions).toHaveLength(5);
  expect(membersOf(store).filter((member) => extensions.includes(member))).toEqual([]);
  expect(
    Reflect.ownKeys(store).filter((key) => Object.prototype.propertyIsEnumerable.call(store, key)),
  ).not.toContainEqual(expect.any(Symbol));
});

it('a store that is wrapped has the extensions of the one inside', async () => {
  const store = await createAt(usePlace(memoryPlace));
  expect(extensionsOf(new Proxy(store, {}))).toBe(extensionsOf(store));
});
