import { historyPrefix, objectName, parseVersion, SecureStoreError } from '@securestore/core-format';
import { underStableKeys } from '../record/stable-read.ts';
import type { Engine } from '../engine/engine.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import { listPage, pagesUnder } from '../util/listing.ts';
import { expired, MISPLACED_VERSION, openRecordAt, versionIn } from './find-version.ts';
import type { LiveRecord, OpenedRecord, Target } from '../record/open-record.ts';
import { isLive, isPurged, isVersion, originOf, versionOf } from '../record/open-record.ts';
import type { HistoryEntry } from '../api/types.ts';

const PREFETCHED = 8;

const NEVER_STORED = 'the object does not exist, and has no history';

/**
 * The history names of the versions before `current`, newest first, down to its origin.
 *
 * Three kinds of copies are passed over. An attempt that stopped half-way leaves a copy of the current version. A newer one was committed
 * after the current record was read. One older than the origin, such as from before a purge, could not be withdrawn. None of them is
 * opened: its key version may have been retired, until the next overwrite or purge removes it.
 *
 * @param current `undefined` if there is none
 */
async function* historyNames(
  engine: Engine,
  token: string,
  current: OpenedRecord | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ name: string; version: number }> {
  const prefix = historyPrefix(token);
  const [origin, newest] = [originOf(current), current?.header.version ?? Infinity];
  for await (const names of pagesUnder(engine.backend, prefix, signal)) {
    for (const name of names) {
      const version = versionIn(prefix, name);
      if (version < origin) return;
      if (version < newest) yield { name, version };
    }
  }
}

/** The retained versions of an object, newest first, the current one included. */
async function* versionsOf(
  engine: Engine,
  target: Target,
  signal?: AbortSignal,
): AsyncGenerator<{ opened: OpenedRecord; current: boolean; name: string }> {
  const name = objectName(target.token);
  let current = await openRecordAt(engine, target, name, signal);
  if (current === undefined) {
    const { entries } = await listPage(engine.backend, historyPrefix(target.token), { limit: 1, signal });
    if (entries.length === 0) return;
    // The history may be that of an object that was stored since.
    current = await openRecordAt(engine, target, name, signal);
  }
  if (current !== undefined) yield { opened: current, current: true, name };
  const names = historyNames(engine, target.token, current, signal);
  const opened = mapConcurrently(names, PREFETCHED, async ({ name: copyName, version }) => ({
    opened: await openRecordAt(engine, target, copyName, signal),
    copyName,
    version,
  }));
  for await (const item of opened) {
    if (item.opened === undefined) continue;
    if (item.opened.header.version !== item.version) {
      throw new SecureStoreError('INTEGRITY', MISPLACED_VERSION);
    }
    yield { opened: item.opened, current: false, name: item.copyName };
  }
}

function entryOf(opened: OpenedRecord, current: boolean, now: number): HistoryEntry {
  const deleted = opened.kind === 'tombstone';
  return {
    version: versionOf(opened.header),
    modified: new Date(opened.body.modified),
    deleted,
    purged: isPurged(opened.header),
    expired: !deleted && !isLive(opened, now),
    current,
    ...(deleted ? {} : { size: opened.body.length }),
  };
}

export async function historyOf(engine: Engine, target: Target, signal?: AbortSignal): Promise<HistoryEntry[]> {
  const read = async (): Promise<HistoryEntry[]> => {
    const found: HistoryEntry[] = [];
    const now = engine.clock.now();
    for await (const { opened, current } of versionsOf(engine, target, signal)) {
      found.push(entryOf(opened, current, now));
    }
    return found;
  };
  const entries = await underStableKeys(engine, read, signal);
  if (entries.length === 0) throw new SecureStoreError('NOT_FOUND', NEVER_STORED);
  return entries;
}

/** Which retained version to make current again. */
export type Choice = { readonly version: string } | { readonly beforeDeletion: true };

/** A version that is to be current again. */
export interface ChosenVersion {
  readonly record: LiveRecord;
  /** Whether the record of the newest version is missing, while older versions are retained. */
  readonly isNewestMissing: boolean;
}

/**
 * A deletion and a purge leave a tombstone, which stays as long as older versions do. So without a newest record, that was lost, and its
 * successor would silently be an older version.
 *
 * @param version the newest that is retained
 */
export function newestMissing({ key }: { readonly key: string }, version: string): SecureStoreError {
  const message =
    'the newest version of the object is missing, though it was not deleted. ' +
    'Undeleting it would make an older version current. Nothing was changed.';
  return new SecureStoreError('INTEGRITY', message, {
    key,
    advice: [
      { id: 'repair-object', key },
      { id: 'restore-object', key },
      { id: 'restore-version', key, version },
    ],
  });
}

/**
 * The version that a restore or an undelete asks for.
 *
 * @throws SecureStoreError `NOT_FOUND`; for an undelete `INTEGRITY` if the newest version is missing
 */
export async function chooseVersion(
  engine: Engine,
  target: Target,
  choice: Choice,
  signal?: AbortSignal,
): Promise<ChosenVersion> {
  const wanted = 'version' in choice ? parseVersion(choice.version) : undefined;
  let isNewestMissing: boolean | undefined;
  for await (const { opened, current } of versionsOf(engine, target, signal)) {
    isNewestMissing ??= !current;
    if (isNewestMissing && wanted === undefined) throw newestMissing(target, versionOf(opened.header));
    const chosen = wanted === undefined ? opened.kind === 'object' : isVersion(opened.header, wanted);
    if (chosen) {
      if (opened.kind === 'tombstone') throw new SecureStoreError('NOT_FOUND', 'the version is a deletion');
      if (isLive(opened, engine.clock.now())) return { record: opened, isNewestMissing };
      throw expired(opened, target.key);
    }
  }
  if (isNewestMissing === undefined) throw new SecureStoreError('NOT_FOUND', NEVER_STORED);
  throw new SecureStoreError(
    'NOT_FOUND',
    'version' in choice ? `version ${choice.version} does not exist` : 'no earlier version of the object is retained',
  );
}
