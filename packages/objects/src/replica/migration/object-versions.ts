import type { StoreKey } from '@securestore/core-format';
import { AREAS, objectName, parseStoreKey, splitRecord } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { openOfToken } from '../../record/stable-read.ts';
import { pagesUnder } from '../../util/listing.ts';
import { historyNames } from '../../maintenance/verify/scan.ts';
import type { LiveRecord, OpenedRecord } from '../../record/open-record.ts';
import { openByToken } from '../../record/open-record.ts';

/** A version of an object; `unreadable` if its keys have been destroyed, or are to be. */
export type Version = OpenedRecord | 'unreadable';

/** Opens a record of an object. @throws SecureStoreError `INTEGRITY` if it is damaged */
export async function openVersion(
  engine: Engine,
  token: string,
  record: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Version> {
  if (engine.monitor.state.keys.isDestroyed(splitRecord(record).header.categoryId)) return 'unreadable';
  return openOfToken(engine, openByToken, token, record, signal);
}

/** Reads a record of an object, and opens it. @throws SecureStoreError as {@link openVersion}; what the backend throws */
export async function readVersion(
  engine: Engine,
  token: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Version | undefined> {
  const found = await engine.backend.read(name, { signal });
  return found && openVersion(engine, token, found.body, signal);
}

/**
 * The name of an object, wherever it can be read.
 *
 * @param names of its older versions
 * @returns `undefined` if nothing tells it any more, or nothing is there
 */
export async function nameOf(
  engine: Engine,
  token: string,
  current: Version | undefined,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<StoreKey | undefined> {
  const named = engine.names.open(token);
  if (!('hidden' in named)) return parseStoreKey(named.name);
  const isTold = (version: Version | undefined): version is LiveRecord =>
    version !== undefined && version !== 'unreadable' && version.kind === 'object';
  if (isTold(current)) return parseStoreKey(current.body.name);
  for (const name of names) {
    const version = await readVersion(engine, token, name, signal);
    if (isTold(version)) return parseStoreKey(version.body.name);
  }
  return undefined;
}

/** As {@link nameOf}, of an object of which only the token is known. */
export async function nameAt(
  engine: Engine,
  token: string,
  signal: AbortSignal | undefined,
): Promise<StoreKey | undefined> {
  const named = engine.names.open(token);
  if (!('hidden' in named)) return parseStoreKey(named.name);
  const current = await readVersion(engine, token, objectName(token), signal);
  return nameOf(engine, token, current, await historyNames(engine, token, signal), signal);
}

/** The tokens of the objects of a store, deleted ones too. */
export async function* tokensOf(engine: Engine, signal: AbortSignal | undefined): AsyncGenerator<string> {
  for await (const names of pagesUnder(engine.backend, AREAS.objects, signal)) {
    for (const name of names) yield name.slice(AREAS.objects.length);
  }
}
