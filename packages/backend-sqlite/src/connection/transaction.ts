import { type BatchOperation, type LocalClock, type WriteResult, conflictError } from '@securestore/backend-api';
import type { SecureStoreError } from '@securestore/core-format';
import { SEGMENT_BYTES, SEGMENTS_PER_BODY } from './layout.ts';
import type { Statements } from './statements.ts';

/** Operations that take place together or not at all. */
export interface Unit {
  readonly operations: readonly BatchOperation[];
  /** Whether a failed condition names its operation, as in a batch. */
  readonly batch: boolean;
}

export type UnitResult = (WriteResult | undefined)[] | SecureStoreError;

interface Clock {
  revision: number;
  readonly modified: number;
  /** The last row of segments, if only the clock needs it. */
  vacant: number | undefined;
}

interface Found {
  readonly revision: number;
  readonly size: number;
}

/** Names that hold keys, or the way to them: what they held must not linger in the write-ahead log. */
const KEY_MATERIAL = /^(?:store|keys|k\/.*)$/;

function find(statements: Statements, key: string): Found | undefined {
  // STRICT tables hold what their columns say.
  return statements.find.get(key) as Found | undefined;
}

function conflict(
  operation: BatchOperation,
  found: Found | undefined,
  batch: boolean,
  index: number,
): SecureStoreError | undefined {
  const unwanted = operation.type === 'write' && operation.ifAbsent === true && found !== undefined;
  const mismatch = operation.ifMatch !== undefined && String(found?.revision) !== operation.ifMatch;
  if (!unwanted && !mismatch) return undefined;
  return conflictError(
    { backend: 'sqlite', operation: batch ? 'batch' : operation.type, key: operation.key },
    batch ? index : undefined,
  );
}

function dropBody(statements: Statements, { revision, size }: Found, clock: Clock): void {
  const first = revision * SEGMENTS_PER_BODY;
  const last = first + Math.max(1, Math.ceil(size / SEGMENT_BYTES)) - 1;
  if (revision !== clock.revision) {
    statements.dropSegments.run(first, last);
    return;
  }
  // The last row of all numbers the next write.
  if (last > first) statements.dropSegments.run(first, last - 1);
  statements.vacate.run(last);
  clock.vacant = last;
}

function putBody(statements: Statements, body: Uint8Array, clock: Clock): void {
  let id = clock.revision * SEGMENTS_PER_BODY;
  let start = 0;
  do {
    statements.putSegment.run(id++, clock.modified, body.subarray(start, start + SEGMENT_BYTES));
    start += SEGMENT_BYTES;
  } while (start < body.length);
  if (clock.vacant === undefined) return;
  statements.dropSegments.run(clock.vacant, clock.vacant);
  clock.vacant = undefined;
}

function apply(
  statements: Statements,
  operation: BatchOperation,
  found: Found | undefined,
  clock: Clock,
): WriteResult | undefined {
  if (operation.type === 'delete') {
    if (found === undefined) return undefined;
    dropBody(statements, found, clock);
    statements.remove.run(operation.key);
    return undefined;
  }
  const revision = ++clock.revision;
  statements.put.run(operation.key, revision, operation.body.length, clock.modified);
  putBody(statements, operation.body, clock);
  // Afterwards, so that what is replaced is not the last row any more.
  if (found !== undefined) dropBody(statements, found, clock);
  return { etag: String(revision), modified: clock.modified };
}

function runUnit(statements: Statements, unit: Unit, clock: Clock): UnitResult {
  const found = unit.operations.map((operation) => find(statements, operation.key));
  // No key occurs twice in a unit, so all conditions can be checked before anything is changed.
  for (const [index, operation] of unit.operations.entries()) {
    const error = conflict(operation, found[index], unit.batch, index);
    if (error !== undefined) return error;
  }
  return unit.operations.map((operation, index) => apply(statements, operation, found[index], clock));
}

/**
 * Runs `units` one after the other in the transaction that the caller has begun. A failed condition is a unit's
 * result and leaves the others alone.
 *
 * @param time - What is written is never marked earlier by it than what was before.
 * @throws SecureStoreError as {@link LocalClock.next}; errors of `node:sqlite`. Then the whole transaction must be rolled back.
 */
export function runUnits(statements: Statements, units: readonly Unit[], time: LocalClock): UnitResult[] {
  const last = statements.clock.get() as { id: number; modified: number; vacant: number } | undefined;
  const clock: Clock = {
    revision: Math.floor((last?.id ?? 0) / SEGMENTS_PER_BODY),
    modified: time.next(last?.modified ?? 0),
    vacant: last?.vacant === 1 ? last.id : undefined,
  };
  return units.map((unit) => runUnit(statements, unit, clock));
}

/** Whether `unit` replaces or removes key material. */
export function touchesKeyMaterial(unit: Unit): boolean {
  return unit.operations.some((operation) => KEY_MATERIAL.test(operation.key));
}

/**
 * Sets the clock back to `now`, and the marks of all entries that are later, in the transaction that the caller has begun.
 *
 * @returns by how many milliseconds the database was ahead
 * @throws errors of `node:sqlite`
 */
export function resetClock({ latest, resetEntries, resetClock: reset }: Statements, now: number): number {
  const { modified } = latest.get() as { modified: number };
  if (modified <= now) return 0;
  resetEntries.run(now, now);
  reset.run(now, now);
  return modified - now;
}
