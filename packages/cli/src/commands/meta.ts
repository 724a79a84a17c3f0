import { isDeepStrictEqual } from 'node:util';
import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { Metadata, ObjectInfo, SecureStore } from 'securestore';
import type { Call } from '../call/call.ts';
import { infoRecord } from '../object/object-text.ts';
import { withNearKeys } from '../object/near-keys.ts';
import { withStore } from '../store/open.ts';
import { parseMetadata } from '../call/parse-values.ts';
import { refuse } from '../errors/refuse.ts';
import { formatFields, printable } from '../terminal/terminal-text.ts';

export interface MetaOptions {
  readonly unset?: readonly string[];
}

/** How often a change is made again because another writer was faster. */
const ATTEMPTS = 8;

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `securestore meta get`. @throws `NOT_FOUND` if there is no such object, or no such name in its metadata */
export async function getMeta(call: Call, key: string, name: string | undefined): Promise<void> {
  const { cli, out } = call;
  parseStoreKey(key);
  await withStore(call, async (store) => {
    const read = (): Promise<ObjectInfo> => store.info(key, { signal: cli.signal });
    const { metadata, version } = await withNearKeys(call, store, key, read);
    if (name === undefined) {
      const lines = Object.entries(metadata).map(([each, value]) => [printable(each), printable(textOf(value))]);
      await out.result({ key, version, metadata }, () => formatFields(Object.fromEntries(lines)));
      if (lines.length === 0) out.note(`no metadata of ${printable(key)}`);
      return;
    }
    if (!Object.hasOwn(metadata, name)) {
      throw new SecureStoreError('NOT_FOUND', `the metadata ${JSON.stringify(name)} does not exist`, { key });
    }
    const value = metadata[name];
    await out.result({ key, version, name, value }, () => out.name(textOf(value)));
  });
}

/** What is to become of the metadata of an object. */
interface Change {
  readonly given: Readonly<Record<string, string>>;
  readonly removed: ReadonlySet<string>;
}

function parseChange(values: readonly string[], { unset: remove = [] }: MetaOptions): Change {
  const given = parseMetadata(values, 'meta set');
  const removed = new Set(remove);
  if (values.length === 0 && removed.size === 0) refuse('meta set needs NAME=VALUE or --unset NAME');
  const both = Object.keys(given).find((name) => removed.has(name));
  if (both !== undefined) refuse(`meta set cannot both set and remove ${JSON.stringify(both)}`);
  return { given, removed };
}

function changed(metadata: Metadata, { given, removed }: Change): Metadata {
  // A name such as __proto__ is one like any other.
  const kept = Object.entries(metadata).filter(([name]) => !removed.has(name) && !Object.hasOwn(given, name));
  return Object.fromEntries([...kept, ...Object.entries(given)]);
}

/** What a change came to: `undefined` if everything was so already. */
interface Outcome {
  readonly info: ObjectInfo | undefined;
  readonly missing: readonly string[];
}

/** @throws `CONFLICT` if other writers were faster every time */
async function apply(store: SecureStore, key: string, change: Change, signal: AbortSignal): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const { metadata, version } = await store.info(key, { signal });
    const missing = [...change.removed].filter((name) => !Object.hasOwn(metadata, name));
    const next = changed(metadata, change);
    if (isDeepStrictEqual(next, metadata)) return { info: undefined, missing };
    try {
      return { info: await store.setMetadata(key, next, { ifVersion: version, signal }), missing };
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT') || attempt === ATTEMPTS) throw error;
    }
  }
}

/** `securestore meta set`. @throws `NOT_FOUND`; `CONFLICT` if other writers were faster every time */
export async function setMeta(call: Call<MetaOptions>, key: string, values: readonly string[]): Promise<void> {
  const { cli, out } = call;
  parseStoreKey(key);
  const change = parseChange(values, call.options);
  await withStore(call, async (store) => {
    const { info, missing } = await apply(store, key, change, cli.signal);
    for (const name of missing) out.note(`note: the metadata ${printable(JSON.stringify(name))} did not exist`);
    if (info === undefined) {
      await out.result({ key, changed: false }, () => `the metadata of ${printable(key)} is unchanged`);
      return;
    }
    await out.result({ ...infoRecord(info), changed: true }, () => {
      return `changed the metadata of ${printable(key)}, version ${info.version}`;
    });
  });
}
