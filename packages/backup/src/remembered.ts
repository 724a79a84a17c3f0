import { asBuffer, SecureStoreError } from '@securestore/core-format';
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

const labelOf = ({ id }: Pick<Destination, 'id'>): string => `newest ${asBuffer(id).toString('hex')}`;
const MAX_TRIES = 5;

function parse(value: Buffer | undefined): Remembered | undefined {
  try {
    const parsed = JSON.parse(value?.toString('utf8') ?? 'null') as Partial<Remembered> | null;
    if (typeof parsed?.number === 'number' && typeof parsed.digest === 'string') {
      return { number: parsed.number, digest: parsed.digest };
    }
  } catch {
    // What is damaged tells nothing.
  }
  return undefined;
}

/** The newest point of a destination that the store knows of; `undefined` for none. @throws SecureStoreError what the backend throws */
export async function rememberedAt(
  area: BackupArea,
  destination: Destination,
  signal?: AbortSignal,
): Promise<Remembered | undefined> {
  return parse((await area.readState(labelOf(destination), signal))?.value);
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
  const value = Buffer.from(JSON.stringify(knownAs(point)));
  for (let tries = 1; ; tries++) {
    const before = await area.readState(labelOf(destination), signal);
    if ((parse(before?.value)?.number ?? -1) > point.number && tries > 1) return;
    try {
      await area.writeState(labelOf(destination), value, before?.etag);
      return;
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT') || tries === MAX_TRIES) throw error;
    }
  }
}
