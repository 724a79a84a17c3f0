import type { StorageBackend } from '@securestore/backend-api';
import { isDamage, SecureStoreError } from '@securestore/core-format';
import type { ObjectStore, SecureStorage } from '@securestore/objects';
import type { FoundedStore } from '@securestore/objects/internal';
import { openFounded } from '@securestore/objects/internal';
import { isNotFound, withFallback } from '../repository/errors.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { NamedObjects } from '../snapshot/snapshot-types.ts';
import type { RecoveryPointChoice } from '../repository/snapshot-info.ts';
import { LeftOut, MAX_PROBLEMS, Problems } from './drill-problems.ts';
import type { DrillFacts } from './receipts.ts';
import type { RestoreReport } from './restore-store.ts';
import { restoreStoreTo } from './restore-store.ts';
import type { RestoreIntoOptions } from './restore-types.ts';

/** In milliseconds: {@link wasAround}. */
const AROUND: number = 60 * 1000;

export interface DrillOptions extends RecoveryPointChoice, Pick<RestoreIntoOptions, 'signal' | 'onProgress'> {
  /** The store that the backup is of, to compare with. */
  readonly live?: SecureStorage | undefined;
  /** Makes what tells whether that store has lost an object of a snapshot, by its key. */
  readonly lossesSince?: ((point: FoundPoint) => Promise<(key: string) => Promise<boolean>>) | undefined;
}

/** What a drill has shown, and the names of the objects that are wrong, by what stands for them in `problems`. */
export interface DrillOutcome {
  readonly facts: DrillFacts;
  readonly names: Readonly<Record<string, string>>;
  /** Objects of the snapshot that the store has lost. */
  readonly missing: NamedObjects;
}

/** Removes everything at a backend. */
async function clear(backend: StorageBackend): Promise<void> {
  for (;;) {
    const { entries } = await backend.list('', {});
    if (entries.length === 0) return;
    for (const { key } of entries) await backend.delete(key);
  }
}

/** Counts the objects that the store has lost, and keeps the keys of the first ones. */
class LostKeys {
  count = 0;
  readonly keys: string[] = [];

  add(key: string): void {
    this.count += 1;
    if (this.keys.length < MAX_PROBLEMS) this.keys.push(key);
  }
}

/** What is wrong with an object, without its name. */
function reasonOf({ message, detail, key, code }: SecureStoreError): string {
  if (key === undefined) return detail;
  // A message that names the object elsewhere than at its beginning can't be shown.
  return detail === message || detail.includes(JSON.stringify(key)) ? code : detail;
}

/** Judges an object. Damage is a problem of the object; any other error does not name it. */
async function judging(key: string, problems: Problems, judge: () => Promise<void>): Promise<void> {
  try {
    await judge();
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    const reason = reasonOf(error);
    const { code, retryable, cause } = error;
    if (!isDamage(error))
      throw new SecureStoreError(code, `an object cannot be compared: ${reason}`, { retryable, cause });
    problems.addOf(key, `cannot be compared: ${reason}`);
  }
}

/** The version that was current at a time; `undefined` if there was none, or it is no longer known. */
async function versionAt(live: SecureStorage, key: string, at: Date): Promise<string | undefined> {
  return (await withFallback(isNotFound, undefined, () => live.info(key, { at })))?.version;
}

/**
 * Whether a version (or with `undefined` that there was none) was what an object was like within a minute of a moment: what was stored
 * around it is not judged, since versions carry the clock of the process that stored them, and the time is that of the backend.
 */
async function wasAround(live: SecureStorage, key: string, version: string | undefined, time: Date): Promise<boolean> {
  const [from, to] = [time.getTime() - AROUND, time.getTime() + AROUND];
  // Purged and forgotten versions can't be judged.
  const past = await withFallback(isNotFound, [], () => live.history(key));
  if (past.length === 0) return true;
  if (version === undefined) {
    return past.some(({ deleted, modified }) => (deleted ? modified.getTime() <= to : modified.getTime() >= from));
  }
  const at = past.findIndex((entry) => entry.version === version);
  const [own, next] = [past[at], past[at - 1]];
  if (own === undefined) return (past.at(-1)?.modified.getTime() ?? 0) >= from && past.at(-1)?.purged === true;
  return own.modified.getTime() <= to && (next === undefined || next.modified.getTime() >= from);
}

/** Counts of all that is done, as updates of what is new of it. */
function asUpdates(
  phase: string,
  onProgress: DrillOptions['onProgress'],
): (now: { readonly done: number; readonly bytes: number; readonly total?: number }) => void {
  let [done, bytes] = [0, 0];
  return ({ total, ...now }) => {
    const counted = total === undefined ? {} : { total };
    onProgress?.({ phase, ...counted, done: now.done - done, bytes: now.bytes - bytes });
    ({ done, bytes } = now);
  };
}

/** The findings of a comparison, and the judge of losses. */
interface Judged {
  readonly problems: Problems;
  readonly leftOut: LeftOut;
  readonly missing: LostKeys;
  /** Whether the store that is compared with has lost an object. */
  readonly isLost: (key: string) => Promise<boolean>;
}

/** Compares the restored store with the store at that time. @returns how many objects were compared */
async function compare(
  restored: ObjectStore,
  live: SecureStorage,
  time: Date,
  { problems, leftOut, missing, isLost }: Judged,
  { signal, onProgress }: DrillOptions,
): Promise<number> {
  const call = { signal };
  let compared = 0;
  const judge = async (key: string, version: string | undefined, message: string): Promise<void> => {
    const isSame = (await versionAt(live, key, time)) === version;
    // The backup has what the store lacks: it is the store that is not as it should be.
    if (!isSame && version !== undefined && (await isLost(key))) missing.add(key);
    else if (!isSame && !(await wasAround(live, key, version, time))) problems.addOf(key, message);
    // Objects that were stored since are in neither.
    if (version !== undefined || !isSame) compared += 1;
    onProgress?.({ phase: 'comparing with the store', done: 1 });
  };
  for await (const { key, version } of restored.entries('', call)) {
    await judging(key, problems, () => judge(key, version, 'differs from the store at that time'));
  }
  for await (const key of live.keys('', call)) {
    if (leftOut.hasKey(key)) continue;
    await judging(key, problems, async () => {
      if (!(await restored.has(key, call))) await judge(key, undefined, 'missing');
    });
  }
  return compared;
}

/** Runs a step of a drill. Damage that ends it is a finding. */
async function noting(problems: Problems, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!isDamage(error)) throw error;
    problems.add(error.message);
  }
}

/**
 * Restores a snapshot to a scratch store, opens everything in it, compares it with the store, measures how long that took, and removes it
 * again.
 *
 * @param scratch an initialised backend at which nothing is. It stays yours, and is empty afterwards
 * @throws SecureStoreError `ALREADY_EXISTS` if something is stored there; `NOT_FOUND` if there is no snapshot; what prevents the
 *   drill. Damage of the backup is no error: it is in the facts
 */
export async function drillBackup(
  backup: OpenedBackup,
  scratch: StorageBackend,
  options: DrillOptions = {},
): Promise<DrillOutcome> {
  const { live, lossesSince, signal, onProgress } = options;
  const { clock } = backup.copy;
  const begun = clock.now();
  const problems = new Problems(backup);
  const missing = new LostKeys();
  const leftOut = new LeftOut(backup, problems);
  const rollback = await backup.rollback(options, signal);
  if (rollback !== undefined) problems.add(rollback);
  const moment = await backup.choose(options, signal);
  const { number, point } = moment;
  const time = new Date(moment.time);
  let [recovery, compared] = [0, 0];
  const check = async (founded: FoundedStore): Promise<void> => {
    recovery = clock.now() - begun;
    await using restored = await openFounded(founded, backup.destination.url, signal);
    onProgress?.({ phase: 'opening everything' });
    const { objects: all, deleted } = point.totals;
    const opened = asUpdates('opening everything', onProgress);
    const report = await restored.verify({
      payloads: true,
      onProgress: (now) => opened({ ...now, total: all + deleted }),
      signal,
    });
    // An object that lacks a version is a finding already.
    const others = report.findings.filter(({ name }) => !leftOut.has(name));
    for (const { key, name, message } of others) problems.addOf(key ?? name, message);
    if (live === undefined) return;
    const isLost = (await lossesSince?.(point)) ?? (async () => false);
    onProgress?.({ phase: 'comparing with the store', total: report.objects });
    compared = await compare(restored, live, time, { problems, leftOut, missing, isLost }, options);
  };
  let [objects, versions, bytes] = [0, 0, 0];
  const { entries } = await scratch.list('', { limit: 1, signal });
  if (entries.length > 0) {
    const message = 'the scratch store of the drill is not empty. Nothing was changed.';
    throw new SecureStoreError('ALREADY_EXISTS', message, { advice: [{ id: 'choose-store-url' }] });
  }
  // What another process has written there meanwhile is kept.
  let isOurs = false;
  const onBegun = (): void => {
    isOurs = true;
  };
  try {
    onProgress?.({ phase: 'restoring' });
    const restored = asUpdates('restoring', onProgress);
    const onFounded = (founded: FoundedStore): Promise<void> => noting(problems, () => check(founded));
    const onFailed = (failed: RestoreReport['failed'][number]): void => leftOut.add(failed);
    await noting(problems, async () => {
      const restoring = { moment, scratch: true, onBegun, onFounded, onFailed, onProgress: restored, signal };
      ({ objects, versions, bytes } = await restoreStoreTo(backup, scratch, restoring));
    });
  } finally {
    if (isOurs) await clear(scratch);
  }
  // A silent success without any object would be noticed on the day of the disaster.
  if (objects === 0 && point.totals.objects > 0)
    problems.add(`no object was restored, but the snapshot has ${point.totals.objects}`);
  const facts = {
    fingerprint: backup.fingerprint,
    destination: backup.destination.url,
    snapshot: number,
    time: time.toISOString(),
    begun: new Date(begun).toISOString(),
    recovery,
    objects,
    // Those of a moment between two snapshots are not counted.
    ...(moment.until === undefined && { total: point.totals.objects }),
    versions,
    bytes,
    compared,
    problems: problems.list,
    found: problems.found,
    ok: problems.found === 0,
  };
  return { facts, names: problems.names, missing: { count: missing.count, keys: missing.keys } };
}
