import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureStore } from '../../src/index.ts';
import { fileAnchor, generateKeyFile, keyFile, openStore, rawKey, SecureStoreError } from '../../src/index.ts';

/** Where a store is, and what it is opened with. */
export interface Place {
  readonly url: string;
  readonly key: string;
  readonly anchors: string;
}

export type Scheme = 'file' | 'sqlite';

/** The folders above are missing. */
export function placeIn(root: string, scheme: Scheme): Place {
  return {
    url: `${scheme}:${join(root, 'above', 'vault')}`,
    key: join(root, 'key'),
    anchors: join(root, 'state', 'anchors'),
  };
}

/** What the anchor remembers; 0 if there is none. */
export async function generationOf({ url, anchors }: Place): Promise<number> {
  return (await fileAnchor(anchors).read(url))?.generation ?? 0;
}

function open({ url, key, anchors }: Place, create: boolean): Promise<SecureStore> {
  return openStore(url, { unlock: keyFile(key), anchor: fileAnchor(anchors), maintenance: false, create });
}

/**
 * Opens the store and makes it if there is none, with its key file.
 *
 * @param isMade whether it must be there, since that was acknowledged
 */
export async function openWhatIsLeft(place: Place, isMade: boolean): Promise<SecureStore> {
  try {
    return await open(place, false);
  } catch (error) {
    if (isMade) throw error;
    // A key file that was not finished, of a store that is not there either. If it is there, the new one does not open it.
    rmSync(place.key, { force: true });
    await generateKeyFile(place.key);
    return open(place, true);
  }
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

/** A process before that was killed may have added it. */
async function addSlot(store: SecureStore): Promise<void> {
  try {
    await store.slots.add(rawKey(Buffer.alloc(32, 9)));
  } catch (error) {
    if (!SecureStoreError.is(error, 'ALREADY_EXISTS')) throw error;
  }
}

/** Records, payloads in parts, older versions, deletions, and what changes the head. */
export const STEPS: readonly StoreStep[] = [
  stored({ 'db/a': body('a', 10) }),
  stored({ 'db/large': body('large', 150_000) }),
  stored({ 'db/a': body('a again', 5000) }),
  stored(Object.fromEntries([0, 1, 2, 3, 4, 5].map((n) => [`many/${n}`, body(`many ${n}`, 100 * n)]))),
  other(addSlot),
  deleted('many/3'),
  stored({ 'db/large': body('larger', 400_000), 'many/3': body('back', 20) }),
  other((store) => store.checkpoint()),
  deleted('db/a'),
  stored({ 'db/a': body('a once more', 70_000) }),
];
