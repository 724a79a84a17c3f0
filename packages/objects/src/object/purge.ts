import { historyName, historyPrefix, ID_LENGTH, objectName, SecureStoreError } from '@securestore/core-format';
import type { Committed } from './commit/mutation.ts';
import { sealDraft } from './commit/mutation.ts';
import { fenceCommit } from './commit/commit-fence.ts';
import { reclaim } from '../record/sweep-blobs.ts';
import { indeterminate } from './commit/resolve-outcome.ts';
import type { Engine } from '../engine/engine.ts';
import { announceDeleted } from './announce-purge.ts';
import type { Remains } from './purge-remains.ts';
import { inspectRemains, lostRemains } from './purge-remains.ts';
import { announceCommit } from '../journal/announce.ts';
import { pinned } from '../engine/engine.ts';
import { namesUnder, pagesUnder } from '../util/listing.ts';
import { parseCondition } from '../api/write-condition.ts';
import type { Condition } from '../api/write-condition.ts';
import type { StoredRecord } from '../engine/record-cache.ts';
import type { Target } from '../record/open-record.ts';
import { blobIn, isPurged, isVersion, versionOf } from '../record/open-record.ts';
import { refusedWrongly, StallDetector } from '../engine/stall-detector.ts';
import type { PurgeOptions } from '../api/types.ts';
import type { Purge } from './announce-purge.ts';

/** How often a write of unknown outcome is looked at again. */
const MAX_TRIES = 5;

/** Seals a tombstone without a past: nothing precedes it, which is what tells a purge from a deletion. */
function sealPurge(
  engine: Engine,
  target: Target,
  { header, sound, lost }: Remains,
  now: number,
): Omit<Committed, 'announced' | 'record'> & { readonly record: Buffer } {
  const { state } = engine.monitor;
  // The numbers of a header that isn't authentic could be chosen to exhaust the versions.
  const version = sound ? header?.version : lost;
  const identity = { commitId: engine.random(ID_LENGTH), now, version };
  const sealed = sealDraft(engine, state, target, { kind: 'tombstone', modified: now }, undefined, identity);
  return { ...sealed, state, generation: sealed.header.generation, late: false };
}

/** An object that was buried. */
interface Burial extends Purge {
  /** The record that the tombstone replaced; `undefined` if there was none, or the tombstone was there already. */
  readonly replaced?: Remains | undefined;
  /** Copies that are deleted too, if no version tells which of them belong to the purged object. */
  readonly past?: readonly string[] | undefined;
}

/** What was found when the history of a purged object was deleted. */
interface Deleted {
  /** Whether anything was there, the object itself included. */
  readonly existed: boolean;
  /** Whether anything was there beside the record that the tombstone replaced. */
  readonly hadPast: boolean;
}

/**
 * The version of the purge with which the history of an object begins, if its record is that tombstone, or was stored since a purge
 * after the version `after`.
 */
function buriedAt({ header, sound, origin }: Remains, after: number | undefined): number | undefined {
  if (sound && header !== undefined && isPurged(header)) return header.version;
  return after !== undefined && origin > after ? origin : undefined;
}

/** What is known of attempts whose outcome is unknown. */
type Doubt = { -readonly [Part in Exclude<keyof Burial, 'version'>]?: Burial[Part] } & {
  /** The version that the last attempt was to replace. */
  after?: number | undefined;
};

/**
 * Checks the condition before the first tombstone. A purge that has written one goes on whatever the current record is by then.
 *
 * @throws SecureStoreError `CONFLICT` with the version that stands in the way
 */
function checkRemains(condition: Condition, remains: Remains | undefined, { after }: Doubt): void {
  if (condition.type === 'none' || after !== undefined) return;
  const { header, sound = false } = remains ?? {};
  const isDamaged = remains !== undefined && !sound;
  const isMeant =
    condition.type === 'damaged'
      ? isDamaged
      : condition.type === 'version' && sound && header !== undefined && isVersion(header, condition.version);
  if (isMeant) return;
  const message =
    remains === undefined
      ? 'the object does not exist'
      : condition.type === 'damaged'
        ? 'the object is not damaged'
        : 'the object has another newest version by now';
  const currentVersion = sound && header !== undefined ? versionOf(header) : undefined;
  throw new SecureStoreError('CONFLICT', message, { currentVersion });
}

/** Replaces the current record by a tombstone without a past. */
async function bury(
  engine: Engine,
  target: Target,
  condition: Condition,
  doubt: Doubt,
  signal: AbortSignal | undefined,
): Promise<Burial> {
  const name = objectName(target.token);
  const copies = historyPrefix(target.token);
  const now = engine.clock.now();
  let refused: StoredRecord | undefined;
  const standstill = new StallDetector();
  for (let tries = 1; ;) {
    let found = await engine.backend.read(name, { signal });
    if (found === undefined) {
      const past = await namesUnder(engine.backend, copies, signal);
      // They may belong to an object that was stored meanwhile, which is purged with them.
      if (past.length > 0) found = await engine.backend.read(name, { signal });
      if (found === undefined) {
        checkRemains(condition, undefined, doubt);
        // The tombstone of an object that has lost its record tells checkpoints and backups that it was given up.
        if (past.length === 0 || doubt.after !== undefined) return { ...doubt, past };
      }
    }
    const stored = found && { bytes: found.body, etag: found.etag ?? '' };
    if (refused !== undefined && standstill.isReached(refused, stored)) {
      throw refusedWrongly(engine.backend, 'the record to be purged is still stored, unchanged');
    }
    refused = stored;
    const remains = await (found === undefined
      ? lostRemains(engine, target, signal)
      : inspectRemains(engine, target, found.body, signal));
    if (found !== undefined) checkRemains(condition, remains, doubt);
    const { after } = doubt;
    // A tombstone of unknown outcome may have been replaced since: the newer object stays.
    const version = buriedAt(remains, after);
    if (version !== undefined) return { ...doubt, version };
    // Without an authentic version, everything that is there now counts as older.
    const past = remains.sound ? undefined : await namesUnder(engine.backend, copies, signal);
    const sealed = sealPurge(engine, target, remains, now);
    const { state, header, record } = sealed;
    const announced = await announceCommit(engine, state, target.token, header.commitId, undefined, signal);
    const prepared = { ...sealed, announced };
    const replaced = found && remains;
    const note = (): void => {
      doubt.replaced = replaced;
      doubt.past = past;
      doubt.prepared = prepared;
      doubt.after = (remains.sound ? remains.header?.version : undefined) ?? prepared.header.version - 1;
    };
    try {
      await engine.backend.write(name, record, {
        ...(stored === undefined ? { ifAbsent: true } : { ifMatch: stored.etag }),
        signal,
      });
      // If the store moves now, the tombstone is looked for in the new place.
      note();
      return { replaced, past, prepared, version: prepared.header.version };
    } catch (error) {
      const unknown = SecureStoreError.is(error) && error.outcome === 'unknown';
      // The tombstone may be there already: the blob that it replaced is deleted all the same.
      if (unknown) note();
      if (!SecureStoreError.is(error, 'CONFLICT') && !(unknown && tries++ < MAX_TRIES)) throw error;
    } finally {
      engine.cache.delete(target.token);
    }
  }
}

/** The error of a purge, which may have taken effect before it failed. */
function failureOf(doubt: Doubt, error: unknown, signal: AbortSignal | undefined): unknown {
  return doubt.after === undefined ? error : indeterminate(error, signal);
}

/** Deletes the history of a buried object and its payloads. */
async function deletePast(
  engine: Engine,
  target: Target,
  { replaced, version, past = [] }: Burial,
  signal: AbortSignal | undefined,
): Promise<Deleted> {
  const blobs = new Set<string>();
  const note = ({ header }: Remains): void => {
    const blob = blobIn(header);
    if (blob !== undefined) blobs.add(blob);
  };
  if (replaced !== undefined) note(replaced);
  let copies = 0;
  const remove = async (names: readonly string[]): Promise<void> => {
    copies += names.length;
    for (const name of names) {
      const found = await engine.backend.read(name, { signal });
      if (found !== undefined) note(await inspectRemains(engine, target, found.body, signal));
    }
    for (const name of names) await engine.backend.delete(name, { signal });
  };
  await remove(past);
  if (version !== undefined) {
    // Names of older versions come after those of newer ones, which were stored after the purge.
    const newest = historyName(target.token, version);
    for await (const names of pagesUnder(engine.backend, historyPrefix(target.token), signal)) {
      await remove(names.filter((name) => name > newest));
    }
  }
  const freed = { blobs: 0, parts: 0, bytes: 0 };
  // Claims are left to the collector, which knows when they expire.
  await reclaim(engine, target.token, blobs, { now: 0, freed, signal });
  return { existed: replaced !== undefined || copies > 0, hadPast: copies > 0 || blobs.size > 0 };
}

/**
 * Replaces an object by a tombstone, then deletes its history and its payloads.
 *
 * Only blobs that the purged records name are deleted, unless a writer who is about to commit claims them: parts without a record may
 * belong to such a writer. A purge that stopped half-way continues when it is called again.
 *
 * @returns whether anything was there
 * @throws SecureStoreError `CONFLICT` if a condition of the options does not hold
 */
export async function purgeObject(
  engine: Engine,
  target: Target,
  options: PurgeOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const condition = parseCondition(options);
  await engine.monitor.reconsider(signal);
  engine.monitor.checkWritable();
  // The doubt outlives a move of the store: what was purged in the former place is purged in the new one.
  const doubt: Doubt = {};
  for (let existed = false; ;) {
    let epoch = engine.place?.epoch;
    try {
      const here = await engine.turns.run(target.token, signal, async () => {
        // It may have moved while others had their turn.
        epoch = engine.place?.epoch;
        return purgeHere(pinned(engine), target, condition, doubt, signal);
      });
      existed ||= here;
      if (engine.place?.epoch === epoch) return existed;
    } catch (error) {
      // The store has moved, and the object may still be in the new place.
      if (engine.place?.epoch === epoch) throw failureOf(doubt, error, signal);
    }
  }
}

async function purgeHere(
  engine: Engine,
  target: Target,
  condition: Condition,
  doubt: Doubt,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const burial = await bury(engine, target, condition, doubt, signal);
  try {
    const { existed, hadPast } = await deletePast(engine, target, burial, signal);
    if (hadPast) await announceDeleted(engine, target.token, burial, signal);
    await engine.monitor.acknowledge(signal);
    if (burial.prepared !== undefined) await fenceCommit(engine, target, burial.prepared, signal);
    engine.monitor.checkWritable();
    return existed;
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    throw SecureStoreError.from(error, {
      message: `the purge may be incomplete: ${error.message}`,
      outcome: 'unknown',
      advice: [{ id: 'try-again' }, ...(error.advice ?? [])],
    });
  }
}
