import suite, { keyvIteratorTests } from '@keyv/test-suite';
import { Keyv } from 'keyv';
import { Keyv as Keyv5 } from 'keyv-5';
import type { SecureStore } from 'securestore';
import { openStore } from 'securestore';
import * as vitest from 'vitest';
import { PLACES } from '../../objects/test/support/places.ts';
import { OPENING } from '../../adapter-kit/test/support/stores.ts';
import { KeyvSecureStore } from '../src/index.ts';

// The suite is typed by a Vitest and a keyv of its own.
type Suite = (test: unknown, keyv: unknown, store: () => KeyvSecureStore) => void;
const PARTS = [suite, keyvIteratorTests] as unknown as readonly Suite[];

/** Tests of the suite, which is for keyv 5, that keyv 6 fails on its own `Map`, with the reason. */
const NOT_SO_IN_6: ReadonlyMap<string, string> = new Map([
  ['.deleteMany([keys]) with nonexistent keys resolves to false', 'keyv 6 resolves to an array'],
]);

/** The functions of Vitest, which leave such tests out and say so. */
const testsOf6 = {
  ...vitest,
  it: (title: string, run: () => Promise<void>): void => {
    const reason = NOT_SO_IN_6.get(title);
    if (reason === undefined) vitest.it(title, run);
    else vitest.it.skip(`${title}: ${reason}`, run);
  },
};

const KEYVS = [
  ['keyv 5', Keyv5, vitest],
  ['keyv 6', Keyv, testsOf6],
] as const;

vitest.describe.each(PLACES)("keyv's own suite on %s:", (_kind, createPlace) => {
  const place = createPlace();
  let store: SecureStore;
  vitest.beforeAll(async () => {
    store = await openStore(place.url, OPENING);
  });
  vitest.afterAll(async () => {
    await store.close();
    await place.remove();
  });

  vitest.describe.each(KEYVS)('with %s', (_name, keyv, test) => {
    for (const part of PARTS) part(test, keyv, () => new KeyvSecureStore(store));
  });
});
