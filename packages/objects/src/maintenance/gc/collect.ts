import type { ListEntry } from '@securestore/backend-api';
import type { HistorySettings } from '@securestore/core-format';
import { AREAS, objectName, PROBES, SecureStoreError } from '@securestore/core-format';
import { tombstoneGuard } from '../../checkpoint/tombstone-guard.ts';
import type { Engine } from '../../engine/engine.ts';
import { mapConcurrently } from '../../util/map-concurrently.ts';
import { backendNow } from '../../record/backend-age.ts';
import { collectBlobs, collectMarkers } from './collect-blobs.ts';
import { pruneHistory, deleteExpired, forgetTombstone, currentRecord } from './collect-object.ts';
import type { MayForget } from '../../journal/late-deletions.ts';
import type { CurrentRecord } from './collect-object.ts';
import type { CollectionPass } from './pass.ts';
import { beginCollection, RemovalPlan } from './pass.ts';
import type { GcReport } from './report.ts';
import { emptyReport, noteFailure } from './report.ts';
import { collectOrphans } from './orphans.ts';
import { collectSystemObjects } from './system-objects.ts';
import { TokenMerge } from './merge-listings.ts';
import { invalid } from '../../util/invalid.ts';
import { blobIn } from '../../record/open-record.ts';

/** How many objects are read at once. */
const READS = 16;

/** How far a collection has come. */
export interface CollectProgress {
  /** Names looked at. */
  readonly objects: number;
  /** Bytes freed at the backend. */
  readonly bytes: number;
}

export interface CollectOptions {
  /** Changes nothing: the report has what would be removed. */
  readonly dryRun?: boolean | undefined;
  /** For a dry run: what would be removed by this history. Default that of the store. */
  readonly history?: HistorySettings | undefined;
  /** For a dry run: what would be removed so many milliseconds from now. Default now. */
  readonly ahead?: number | undefined;
  /** Where to resume: what `onCursor` was called with last. */
  readonly cursor?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each object. */
  readonly onProgress?: ((progress: CollectProgress) => void) | undefined;
  /** Called after each object with what {@link cursor} takes; a lost one costs nothing but time. */
  readonly onCursor?: ((cursor: string) => Promise<void> | void) | undefined;
  /**
   * Asked before a deleted object is forgotten, for what still has to tell others of the deletion. Default yes. If the
   * store has a checkpoint, that must hold the deletion in any case.
   */
  readonly mayForget?: MayForget | undefined;
  /**
   * Past versions and deletions that were written from then on stay, in milliseconds since 1970 by the backend's clock:
   * consumers of the journal have still to read of them. By default none does. Asked once the collection knows what time
   * it is: whatever is old by then has been announced by then, however long the answer takes.
   */
  readonly unreadSince?: (() => Promise<number>) | undefined;
}

/** Whether `cursor` can be one that a collection has handed out. */
export function isCursor(cursor: unknown): cursor is string {
  return typeof cursor === 'string' && /^[a-z0-9/_~]{1,700}$/.test(cursor);
}

function checkCursor(cursor: string | undefined): void {
  if (cursor === undefined || isCursor(cursor)) return;
  invalid('the option "cursor" must be a cursor of a garbage collection', 'cursor');
}

function checkStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new SecureStoreError('ABORTED', 'the garbage collection was aborted', { advice: [{ id: 'try-again' }] });
}

/** What needs the current record of an object, and the record alone. */
async function collectRecord(pass: CollectionPass, token: string, record: CurrentRecord | undefined): Promise<void> {
  if (record === undefined) return;
  await deleteExpired(pass, record);
  await forgetTombstone(pass, token, record);
}

/** Runs `body`, counting what fails for this object alone. */
async function forObject(pass: CollectionPass, token: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    noteFailure(pass.report, objectName(token), error);
  }
}

/** An object with more than its record: what it has is read as it is listed. */
async function collectWhole(pass: CollectionPass, token: string, merge: TokenMerge): Promise<void> {
  await forObject(pass, token, async () => {
    pass.plan?.begin();
    const record = await currentRecord(pass, token);
    // First what keeps payloads alive, then the payloads.
    await pruneHistory(pass, token, record, merge.of('history'));
    await collectBlobs(pass, token, blobIn(record?.header), merge.of('blobs'));
    await collectMarkers(pass, token, merge.of('markers'));
    await collectRecord(pass, token, record);
  });
}

interface Step {
  readonly token: string;
  /** Its record, if there is nothing else of it. */
  readonly alone: ListEntry | undefined;
}

/** Object by object; those with nothing but a record are left to the caller, who reads many at once. */
async function* steps(pass: CollectionPass, merge: TokenMerge): AsyncGenerator<Step> {
  for (let token = await merge.next(); token !== undefined; token = await merge.next()) {
    checkStopped(pass.signal);
    let entry: ListEntry | undefined;
    for await (const item of merge.of('objects')) ({ entry } = item);
    const more = (await merge.has('history')) || (await merge.has('blobs')) || (await merge.has('markers'));
    if (more) await collectWhole(pass, token, merge);
    yield { token, alone: more ? undefined : entry };
  }
}

async function collectAlone(pass: CollectionPass, { token, alone }: Step): Promise<string> {
  if (alone === undefined || !pass.rules.isOld(alone.modified)) return token;
  await forObject(pass, token, async () => collectRecord(pass, token, await currentRecord(pass, token)));
  return token;
}

/**
 * Removes what nobody needs any more: parts that no version leads to, versions and deleted objects beyond what the
 * store keeps, expired objects, and what interrupted work has left. Nothing younger than the grace period is touched.
 *
 * One pass over ordered listings, in memory that does not depend on the size of the store. It can be stopped at any
 * point, run again or resume at a cursor, and any number of them may run at once, beside readers and writers.
 *
 * @returns what was removed since this call began
 * @throws SecureStoreError `INVALID_ARGUMENT` for a cursor that is none; `LOCKED` if the store takes no writes;
 *   `ABORTED`; and what concerns more than one object. What concerns one is counted in the report
 */
export async function collect(engine: Engine, options: CollectOptions = {}): Promise<GcReport> {
  const { cursor, signal, onProgress, onCursor, mayForget = () => true } = options;
  checkCursor(cursor);
  const plan = options.dryRun === true ? new RemovalPlan() : undefined;
  if (plan === undefined) engine.monitor.checkWritable();
  const report = emptyReport();
  const isHeld = await tombstoneGuard(engine, signal);
  const forgets: MayForget = async (token, header) => (await mayForget(token, header)) && (await isHeld(token, header));
  const now = (await backendNow(engine, signal)) + (options.ahead ?? 0);
  const unreadSince = (await options.unreadSince?.()) ?? Number.POSITIVE_INFINITY;
  const pass = beginCollection(engine, {
    report,
    now,
    mayForget: forgets,
    plan,
    signal,
    unreadSince,
    history: options.history,
  });
  const onForeign = ({ key, modified }: ListEntry): void => {
    if (key.startsWith(PROBES)) return;
    // An old one is removed at the end.
    if (key.startsWith(AREAS.markers) && pass.rules.isOld(modified)) return;
    noteFailure(report, key, new SecureStoreError('INTEGRITY', 'the name is invalid'));
  };
  const merge = new TokenMerge(engine.backend, cursor, onForeign, signal);
  for await (const token of mapConcurrently(steps(pass, merge), READS, (step) => collectAlone(pass, step))) {
    checkStopped(signal);
    report.objects += 1;
    onProgress?.({ objects: report.objects, bytes: report.bytes });
    await onCursor?.(token);
  }
  await collectSystemObjects(pass);
  await collectOrphans(pass);
  return report;
}
