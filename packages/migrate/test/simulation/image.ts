import type { Image } from '../../../objects/test/simulation/image.ts';
import { makeImage } from '../../../objects/test/simulation/image.ts';
import { payload } from '../../../objects/test/simulation/operations.ts';

/** Objects that are there from the beginning, and that nobody changes. */
const LASTING: readonly string[] = ['x/1'];

/** A store with some objects, one of them with a history. */
export function makeMigrationImage(): Promise<Image> {
  return makeImage(async (store) => {
    for (const key of LASTING) await store.store(key, payload('first', 12));
    await store.store('x/1', payload('second', 12));
    await store.store('x/gone', payload('first', 12));
    await store.delete('x/gone');
  });
}
