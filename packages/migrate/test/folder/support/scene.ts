import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBackend } from '@securestore/backend-memory';
import { rawKey } from '@securestore/crypto';
import { createObjectStore, type ObjectStore } from '@securestore/objects';
import { onTestFinished } from 'vitest';
import type { TransferItem } from '../../../src/index.ts';

/** A folder that goes when the test has ended. */
export async function folder(): Promise<(...parts: string[]) => string> {
  const root = await mkdtemp(join(tmpdir(), 'securestore-migrate-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return (...parts) => join(root, ...parts);
}

/** A store in memory with some objects. */
export async function memoryStore(objects: Readonly<Record<string, string | Uint8Array>> = {}): Promise<ObjectStore> {
  const backend = new MemoryBackend();
  await backend.init({ url: 'memory:', options: {} });
  const store = await createObjectStore({ backend, url: 'memory:', unlock: rawKey(randomBytes(32)) });
  onTestFinished(() => store.close());
  for (const [key, data] of Object.entries(objects)) await store.store(key, data);
  return store;
}

/** All that is in a store, as text. */
export async function contents(store: ObjectStore): Promise<Record<string, string>> {
  const found: [string, string][] = [];
  for (const key of await store.list()) found.push([key, (await store.retrieve(key)).text()]);
  return Object.fromEntries(found);
}

/** Collects what came of each item, by name: its status, and the code of the error of one that failed. */
export function outcomes(): {
  readonly onItem: (item: TransferItem) => void;
  readonly of: () => Record<string, string>;
  readonly items: TransferItem[];
} {
  const items: TransferItem[] = [];
  return {
    items,
    onItem: (item) => void items.push(item),
    of: () => Object.fromEntries(items.map(({ name, status, error }) => [name, error?.code ?? status])),
  };
}
