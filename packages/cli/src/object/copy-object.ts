import { isDeepStrictEqual } from 'node:util';
import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { ObjectInfo, SecureStore } from 'securestore';
import { refusal, TO_REPLACE } from '../errors/refuse.ts';
import type { KeyPair } from './copy-scope.ts';

/** What came of an object: `unchanged` if the target held the same already, and the source was to stay. */
export interface Copied {
  readonly status: 'copied' | 'moved' | 'unchanged';
  /** The object under its new key. */
  readonly info: ObjectInfo;
}

/** How objects are copied. */
export interface CopyWay {
  /** Whether the source is deleted once it is copied. */
  readonly moves: boolean;
  /** Whether an object that exists at the target is replaced. */
  readonly overwrite: boolean;
  readonly signal: AbortSignal;
  /** Counts what is read as it is taken. */
  readonly counted: (stream: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

type Objects = Pick<SecureStore, 'info' | 'retrieveStream' | 'matches' | 'store' | 'delete'>;

/** What stands in the way; nothing if it cannot be told, since storing finds out as well. */
async function infoAt(store: Objects, key: string, signal: AbortSignal): Promise<ObjectInfo | undefined> {
  return await store.info(key, { signal }).catch(() => undefined);
}

function isAlike(a: ObjectInfo, b: ObjectInfo): boolean {
  return (
    a.size === b.size && a.expires?.getTime() === b.expires?.getTime() && isDeepStrictEqual(a.metadata, b.metadata)
  );
}

/**
 * Copies one object, with metadata and expiry and without its history. An interrupted move leaves both, and is completed
 * by the same call.
 *
 * @throws SecureStoreError `NOT_FOUND` if there is no source; `CONFLICT` if the target exists and is another object, or
 *   the source got a new version while it was moved, which stays then as the copy does
 */
export async function copyObject(store: Objects, { from, to }: KeyPair, way: CopyWay): Promise<Copied> {
  const { signal, overwrite } = way;
  parseStoreKey(to);
  const there = await infoAt(store, to, signal);
  let found = await store.retrieveStream(from, { signal });
  if (there !== undefined) {
    const isSame = isAlike(found.info, there) && (await store.matches(to, found.stream, { signal }));
    if (isSame) return await finish(store, from, found.info, there, { ...way, isSame });
    if (!found.stream.locked) await found.stream.cancel();
    if (!overwrite) throw exists(to, there);
    found = await store.retrieveStream(from, { signal });
  }
  const { metadata, expires } = found.info;
  const info = await store.store(to, way.counted(found.stream), {
    metadata,
    ...(expires === undefined ? {} : { expires }),
    ...(overwrite ? {} : { ifAbsent: true }),
    signal,
  });
  return await finish(store, from, found.info, info, { ...way, isSame: false });
}

function exists(key: string, { version }: ObjectInfo): SecureStoreError {
  return refusal('CONFLICT', `the key ${JSON.stringify(key)} already exists`, {
    key,
    currentVersion: version,
    advice: [{ id: 'read-again', key }],
    hints: [TO_REPLACE],
  });
}

async function finish(
  store: Objects,
  from: string,
  { version }: ObjectInfo,
  info: ObjectInfo,
  { moves, isSame, signal }: CopyWay & { readonly isSame: boolean },
): Promise<Copied> {
  if (!moves) return { status: isSame ? 'unchanged' : 'copied', info };
  try {
    await store.delete(from, { ifVersion: version, signal });
  } catch (error) {
    if (!SecureStoreError.is(error) || error.code === 'ABORTED') throw error;
    const why = error.code === 'CONFLICT' ? 'it has a new version since it was copied' : error.message;
    throw SecureStoreError.from(error, {
      message: `cannot delete ${JSON.stringify(from)}: ${why}. ${JSON.stringify(info.key)} is a copy of it.`,
      key: from,
    });
  }
  return { status: 'moved', info };
}
