import { asBuffer } from '@securestore/core-format';
import { isCount, SharedState } from '@securestore/jobs';
import type { Alarm, BackupArea } from '@securestore/objects';
import type { Destination } from './destination.ts';
import type { Fence } from './fence.ts';
import { fenceIn, isBehind } from './fence.ts';
import type { FoundPoint } from './points.ts';

/** The newest point of a destination that the store knows of. */
export interface Remembered {
  readonly number: number;
  /** Hex; empty where it could not be read. */
  readonly digest: string;
}

/** What the store knows of a point. */
export function knownAs({ number, digest }: Pick<FoundPoint, 'number' | 'digest'>): Remembered {
  return { number, digest: digest.toString('hex') };
}

function stateOf({ states, clock }: BackupArea, { id }: Pick<Destination, 'id'>): SharedState<Remembered> {
  return new SharedState(states, clock, `newest ${asBuffer(id).toString('hex')}`, {
    what: 'what the store remembers of its newest snapshot',
    version: 1,
    parse: ({ number, digest }) => (isCount(number) && typeof digest === 'string' ? { number, digest } : undefined),
  });
}

/** The newest point of a destination that the store knows of; `undefined` for none. @throws as `SharedState.read` */
export async function rememberedAt(
  area: BackupArea,
  destination: Destination,
  signal?: AbortSignal,
): Promise<Remembered | undefined> {
  return (await stateOf(area, destination).read(signal)).value;
}

/**
 * Whether a point was made with a key that has been replaced, in the place of the last one that the store knows of or after it. Whoever may
 * back up has the new key, and has the store know.
 */
function isUnknown(known: Remembered | undefined, { number, digest, isOld }: FoundPoint): boolean {
  if (known === undefined || !isOld || number < known.number) return false;
  return number > known.number || digest.toString('hex') !== known.digest;
}

/** What tells the points of a destination that are not the store's own. */
export interface Evidence {
  /** What the store remembers: whoever has its backend can remove that. */
  readonly known: Remembered | undefined;
  /** What its signed head says in any case. */
  readonly fence: Fence | undefined;
  /** How new key versions are, by their ids. */
  readonly keyOrder: ReadonlyMap<string, number>;
}

/** Whether a point is not the store's own, by any of what tells it. */
export function isForeign({ known, fence, keyOrder }: Evidence, point: FoundPoint): boolean {
  return isUnknown(known, point) || isBehind(fence, keyOrder, point);
}

/** What a store knows of a destination. @throws SecureStoreError `INTEGRITY` */
export function evidenceOf(area: BackupArea, destination: Destination, known: Remembered | undefined): Evidence {
  return { known, fence: fenceIn(area.destinations, destination), keyOrder: area.keyOrder };
}

/**
 * Whether points are gone from a destination that the store knows of: then the journal has been read beyond what lies there.
 *
 * @param newest as it was read after `known`
 * @returns what to tell of it
 */
export function rolledBack(
  area: BackupArea,
  destination: Destination,
  known: Remembered | undefined,
  newest: FoundPoint | undefined,
): Alarm | undefined {
  if (newest !== undefined && isForeign(evidenceOf(area, destination, known), newest)) {
    const message = `${destination.location}: snapshot ${newest.number} was made with a key that was retired, and the store does not know of it: somebody whose right to back up was taken away may have made it. Nothing is built on it; remove it with forget`;
    return { type: 'rolled-back', name: 's/', message };
  }
  if (known === undefined) return undefined;
  const isOlder = newest === undefined || newest.number < known.number;
  const isOther = newest?.number === known.number && newest.digest.toString('hex') !== known.digest;
  if (!isOlder && !isOther) return undefined;
  const found = newest === undefined ? 'none' : String(newest.number);
  const message = `${destination.location}: the newest snapshot was ${known.number}, and now ${found} is: somebody has removed or replaced what was backed up`;
  return { type: 'rolled-back', name: 's/', message };
}

/** Has the store know of a point. Where it can't be kept, the next run finds the points that there are. */
export async function remember(
  area: BackupArea,
  destination: Destination,
  point: FoundPoint,
  signal?: AbortSignal,
): Promise<void> {
  const next = knownAs(point);
  let isFirst = true;
  await stateOf(area, destination).update(({ value }) => {
    // Whoever has come first meanwhile may know of a newer one; what was known before may be gone.
    const isOvertaken = !isFirst && value !== undefined && value.number > next.number;
    isFirst = false;
    return isOvertaken ? undefined : next;
  }, signal);
}
