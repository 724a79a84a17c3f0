import { createHash } from 'node:crypto';
import type { StorageBackend } from '../../../packages/backend-api/src/index.ts';
import { SecureStoreError } from '../../../packages/core-format/src/index.ts';
import type { ObjectStore } from '../../../packages/objects/src/index.ts';

/** An object, or a version of one, as callers see it; or the code of the failure where it can't be read. */
type Seen = { readonly info: unknown; readonly sha256: string } | { readonly code: string };

/** What a store holds, as callers see it. */
export interface Contents {
  /** By name, of all that a listing gives. */
  readonly objects: Readonly<Record<string, Seen>>;
  /** By name, newest first: of what a listing gives, and of some names that it doesn't. */
  readonly history: Readonly<Record<string, Seen | readonly Seen[]>>;
  readonly keys: unknown;
}

/** Without `Date`s and `undefined`, as it is kept in a file. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

async function orCode<T>(looking: () => Promise<T>): Promise<T | { readonly code: string }> {
  try {
    return await looking();
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    return { code: error.code };
  }
}

function see(store: ObjectStore, key: string, version?: string): Promise<Seen> {
  return orCode(async () => {
    const { data, info } = await store.retrieve(key, version === undefined ? {} : { version });
    return { info: plain(info), sha256: createHash('sha256').update(data).digest('hex') };
  });
}

function seeHistory(store: ObjectStore, key: string): Promise<Seen | Seen[]> {
  return orCode(async () => {
    const versions: Seen[] = [];
    for (const { version } of await store.history(key)) versions.push(await see(store, key, version));
    return versions;
  });
}

/** @param others names that a listing doesn't give */
export async function contentsOf(store: ObjectStore, others: readonly string[]): Promise<Contents> {
  const objects: Record<string, Seen> = {};
  const history: Record<string, Seen | Seen[]> = {};
  for (const key of await store.list()) objects[key] = await see(store, key);
  for (const key of [...Object.keys(objects), ...others]) history[key] = await seeHistory(store, key);
  return { objects, history, keys: plain(await store.encryptionKeys.list()) };
}

/** What lies at the backend, by name, in base64. */
export async function everything(backend: StorageBackend): Promise<Record<string, string>> {
  const objects: Record<string, string> = {};
  for (const { key } of (await backend.list('')).entries) {
    objects[key] = Buffer.from((await backend.read(key))?.body ?? []).toString('base64');
  }
  return objects;
}
