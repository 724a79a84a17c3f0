import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OpenOptions, SecureStore } from 'securestore';
import { openStore, rawKey, SecureStoreError } from 'securestore';
import { expect, onTestFinished } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { PLACES } from '../../../objects/test/support/places.ts';

/** How every store of these tests is made and opened. */
export const OPENING: OpenOptions = { unlock: rawKey(Buffer.alloc(32, 5)), create: true, maintenance: false };

/** Kinds of store URLs, each with a function that gives a new one for one test. */
export const STORE_URLS: readonly (readonly [kind: string, url: () => string])[] = PLACES.map(([kind, create]) => [
  kind,
  () => {
    const place = create();
    onTestFinished(() => place.remove());
    return place.url;
  },
]);

/** A store URL of one kind, for one test. */
export function storeUrlOf(kind: string): string {
  const found = STORE_URLS.find(([name]) => name === kind);
  if (found === undefined) throw new Error(`there is no kind of store URL "${kind}"`);
  return found[1]();
}

/** A store that is closed after the test. */
export async function openedAt(url: string, options?: Partial<OpenOptions>): Promise<SecureStore> {
  const store = await openStore(url, { ...OPENING, ...options });
  onTestFinished(() => store.close());
  return store;
}

/** A clock that starts now and is moved by the test. */
export function clockFromNow(): FakeClock {
  const clock = new FakeClock();
  clock.wall = Date.now();
  return clock;
}

export async function expectCode(call: Promise<unknown>, code: string): Promise<SecureStoreError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!SecureStoreError.is(error)) throw new Error(`must fail with ${code}`, { cause: error });
  expect(error.code, error.message).toBe(code);
  return error;
}

/** Names and contents of all files in the folder of a `file:` or `sqlite:` store URL, as Latin-1. */
export function filesOf(url: string): string {
  const folder = dirname(url.slice(url.indexOf(':') + 1));
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return [...names, ...files.map((name) => readFileSync(join(folder, name), 'latin1'))].join('\n');
}
