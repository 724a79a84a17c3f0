import { createHash } from 'node:crypto';
import { BACKUP_AREAS, backupBlobPrefix, packName, parseBackupBlobName, parseFileName } from '@securestore/core-format';
import { isObject } from '@securestore/jobs';

/**
 * Files are checked by ranges of their names' digests, so that what is remembered has a size that does not grow with them. What of a
 * range is known is from when all of it has been read: what was written later is newer than that.
 */
export const RANGES = 256;
/** Files that were found wrong and are remembered by name. */
export const MAX_FAILED = 100;
/** Runs of which is remembered when they ended: how often there is one shows in them. */
const MAX_RUNS = 10;
/** Clocks may be so far apart, in milliseconds. */
const SKEW = 600_000;
const MAX_NAME = 200;

/** Where a pass through a range has got to. */
export interface Cursor {
  readonly range: number;
  /** When the run began that began the pass. */
  readonly since: number;
  /** Everything before it is done, in the order of names. */
  readonly unit: string;
  /** How much of it is done: parts of a payload, or 1 for a pack. */
  readonly steps: number;
}

/** A file that was found wrong when it was read last. */
export interface FailedFile {
  readonly name: string;
  /** When it was first. */
  readonly since: number;
}

/** What of a destination was checked when. All times are milliseconds since 1970. */
export interface ScrubProgress {
  /** For each range, when the run began that read it whole last; 0 for never. */
  readonly times: readonly number[];
  /** When the first run began. */
  readonly started: number;
  /** When the last runs came to their end, the newest last. */
  readonly runs: readonly number[];
  readonly cursor?: Cursor | undefined;
  readonly failed: readonly FailedFile[];
}

/** What a file is checked with: the name of its pack, or what the names of all parts of its payload start with. */
export function unitOf(name: string): string | undefined {
  const blob = parseBackupBlobName(name);
  if (blob !== undefined) return backupBlobPrefix(blob.epoch, blob.blobId);
  const file = parseFileName(name);
  return file?.area === BACKUP_AREAS.packs || file?.area === BACKUP_AREAS.envelopes ? packName(file) : undefined;
}

/** In which range a file is: by what it belongs to, a pack or a payload. */
export function rangeOf(unit: string): number {
  return createHash('sha256').update(unit).digest().readUInt8(0);
}

/** Where nothing was checked yet. */
export function nothingChecked(now: number): ScrubProgress {
  return { times: Array.from({ length: RANGES }, () => 0), started: now, runs: [], failed: [] };
}

/** After a run that has read everything. */
export function allChecked(began: number, now: number, before: ScrubProgress): ScrubProgress {
  const times = before.times.map((time) => Math.max(time, began));
  return { times, started: before.started, runs: withRun(before.runs, now), failed: [] };
}

export function withRun(runs: readonly number[], now: number): readonly number[] {
  return (runs.at(-1) ?? -1) >= now ? runs : [...runs, now].slice(-MAX_RUNS);
}

/**
 * From when on a byte may not have been checked: that of the range that was read least recently, or of what was found wrong.
 *
 * @returns 0 if something never was
 */
export function checkedSince({ times, failed }: ScrubProgress): number {
  return Math.min(...times, ...failed.map(({ since }) => since));
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isName = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_NAME;

function parseCursor(value: unknown): Cursor | undefined {
  if (!isObject(value)) return undefined;
  const { range, since, unit, steps } = value;
  if (!isTime(range) || range >= RANGES || !isTime(since) || !isName(unit) || !isTime(steps)) return undefined;
  return { range, since, unit, steps };
}

function parseFailed(value: unknown, now: number): FailedFile[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_FAILED) return undefined;
  const failed: FailedFile[] = [];
  for (const one of value as readonly unknown[]) {
    if (!isObject(one) || !isName(one['name']) || !isTime(one['since'])) return undefined;
    failed.push({ name: one['name'], since: Math.min(one['since'], now) });
  }
  return failed;
}

/** What is remembered, as it is kept. */
export function encodeChecked(checked: ScrubProgress): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, ...checked }));
}

/**
 * What is remembered; `undefined` if that is nothing, or nothing that can be: then everything is to be checked again.
 *
 * @param now what is said to be of later was said by a clock that was wrong, and counts for nothing
 */
export function decodeChecked(bytes: Uint8Array, now: number): ScrubProgress | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(value) || value['version'] !== 1) return undefined;
  const { times, started, runs } = value;
  const failed = parseFailed(value['failed'], now);
  if (!Array.isArray(times) || times.length !== RANGES || !times.every(isTime)) return undefined;
  if (!Array.isArray(runs) || runs.length > MAX_RUNS || !runs.every(isTime)) return undefined;
  if (!isTime(started) || failed === undefined) return undefined;
  const isPast = (time: number): boolean => time <= now + SKEW;
  const cursor = parseCursor(value['cursor']);
  return {
    times: times.map((time) => (isPast(time) ? time : 0)),
    started: Math.min(started, now),
    runs: runs.filter(isPast),
    ...(cursor !== undefined && isPast(cursor.since) && { cursor }),
    failed,
  };
}
