import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { SecureStore } from '../../src/index.ts';
import { createStore, fileAnchor, generateKeyFile, keyFile, openStore, rawKey } from '../../src/index.ts';

/** Where a store is, and what it is opened with. */
export interface Place {
  readonly location: string;
  readonly key: string;
  readonly anchors: string;
}

export type Scheme = 'file' | 'sqlite';

/** The folders above are missing. */
export function placeIn(root: string, scheme: Scheme): Place {
  return {
    location: `${scheme}:${join(root, 'above', 'vault')}`,
    key: join(root, 'key'),
    anchors: join(root, 'state', 'anchors'),
  };
}

/** What the anchor remembers; 0 if there is none. */
export async function generationOf({ location, anchors }: Place): Promise<number> {
  return (await fileAnchor(anchors).read(location))?.generation ?? 0;
}

/** @param create whether one is made if there is none */
export function open({ location, key, anchors }: Place, create = false): Promise<SecureStore> {
  return openStore(location, { unlock: keyFile(key), anchor: fileAnchor(anchors), upkeep: false, create });
}

/** A body of a length, the same each time and unlike others. */
function body(name: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(name).digest();
}

/** What a step does, and which objects are other ones after it; `undefined` for those that are gone. */
export interface StoreStep {
  readonly run: (store: SecureStore) => PromiseLike<unknown>;
  readonly after: Readonly<Record<string, Buffer | undefined>>;
}

function stored(after: Readonly<Record<string, Buffer>>): StoreStep {
  const items = Object.entries(after).map(([key, data]) => ({ key, data }));
  return {
    after,
    run: async (store) => {
      for (const result of await store.storeMany(items)) if (!result.ok) throw result.error;
    },
  };
}

const deleted = (key: string): StoreStep => ({ after: { [key]: undefined }, run: (store) => store.delete(key) });
const other = (run: StoreStep['run']): StoreStep => ({ after: {}, run });

/** Records, payloads in parts, older versions, deletions, and what changes the head. */
export const STEPS: readonly StoreStep[] = [
  stored({ 'db/a': body('a', 10) }),
  stored({ 'db/large': body('large', 150_000) }),
  stored({ 'db/a': body('a again', 5000) }),
  stored(Object.fromEntries([0, 1, 2, 3, 4, 5].map((n) => [`many/${n}`, body(`many ${n}`, 100 * n)]))),
  other((store) => store.slots.add(rawKey(Buffer.alloc(32, 9)))),
  deleted('many/3'),
  stored({ 'db/large': body('larger', 400_000), 'many/3': body('back', 20) }),
  other((store) => store.checkpoint()),
  deleted('db/a'),
  stored({ 'db/a': body('a once more', 70_000) }),
];

/** Makes a key file, and a store that it opens. */
export async function make({ location, key, anchors }: Place): Promise<SecureStore> {
  await generateKeyFile(key);
  return createStore(location, { unlock: keyFile(key), anchor: fileAnchor(anchors), upkeep: false });
}
