import { BACKUP_AREAS, SecureStoreError } from '@securestore/core-format';
import { isCount } from '@securestore/jobs';
import type { Alarm, BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { SealedState } from '../repository/destination-state.ts';
import type { Fence, Remembered } from './registry.ts';
import { fenceIn, isBehind, isFenced } from './registry.ts';
import type { FoundPoint } from '../repository/snapshots.ts';

/** What the store knows of a point. */
export function knownAs({ number, digest }: Pick<FoundPoint, 'number' | 'digest'>): Remembered {
  return { number, digest: digest.toString('hex') };
}

function parse(value: unknown): Remembered | undefined {
  const { number, digest } = value as Partial<Remembered>;
  return isCount(number) && typeof digest === 'string' ? { number, digest } : undefined;
}

function stateOf(area: BackupArea, { id }: Pick<Destination, 'id'>): SealedState<Remembered> {
  return new SealedState(area, 'newest', id, 'its newest snapshot', parse);
}

/** Who had a key that was replaced, and no other since, tells of nothing that came after that. */
function believed(
  area: BackupArea,
  destination: Destination,
  opened: { readonly value: Remembered | undefined; readonly isOld: boolean } | undefined,
): Remembered | undefined {
  if (opened?.isOld !== true) return opened?.value;
  const { value } = opened;
  const fence = fenceIn(area.destinations, destination);
  return value && isFenced(area, fence) && value.number > (fence?.number ?? 0) ? undefined : value;
}

/**
 * The newest point of a destination that the store knows of; `undefined` for none. Whoever has the backend of the store can remove it, and
 * put back what it was; only who may back up can make another one of it.
 *
 * @throws as `SharedState.read`
 */
export async function rememberedAt(
  area: BackupArea,
  destination: Destination,
  signal?: AbortSignal,
): Promise<Remembered | undefined> {
  return believed(area, destination, await stateOf(area, destination).read(signal));
}

/** Whether a point is the one that the store remembers. */
export function isRemembered(known: Remembered | undefined, point: FoundPoint | undefined): boolean {
  return point !== undefined && known?.number === point.number && known.digest === point.digest.toString('hex');
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

/** That a point is not the store's own. */
export function foreignPoint(number: number): SecureStoreError {
  return new SecureStoreError(
    'INTEGRITY',
    `snapshot ${number} was made with a key that was retired, and the store does not know of it: somebody whose right to back up was ` +
      'taken away may have made it',
  );
}

/** What a store knows of a destination. @throws SecureStoreError `INTEGRITY` */
export function evidenceOf(area: BackupArea, destination: Destination, known: Remembered | undefined): Evidence {
  return { known, fence: fenceIn(area.destinations, destination), keyOrder: area.keyOrder };
}

/**
 * Whether points are gone from a destination that the store knows of: then the journal has been read beyond what lies there.
 *
 * @param newest of the store's own, as it was read after `known`
 * @returns what to tell of it
 */
export function rolledBack(
  { location }: Pick<Destination, 'location'>,
  known: Remembered | undefined,
  newest: FoundPoint | undefined,
): Alarm | undefined {
  if (known === undefined || isRemembered(known, newest)) return undefined;
  if (newest !== undefined && newest.number > known.number) return undefined;
  const found = newest === undefined ? 'none' : String(newest.number);
  const message = `${location}: the newest snapshot was ${known.number}, and now ${found} is: somebody has removed or replaced what was backed up`;
  return { type: 'rolled-back', name: BACKUP_AREAS.points, message };
}

/**
 * Has the store know of a point. Where it can't be kept, the next run finds the points that there are.
 *
 * @param before what it may know: anything else shows that others have published meanwhile
 * @throws SecureStoreError `CONFLICT` where they have; as `SharedState.update`
 */
export async function remember(
  area: BackupArea,
  destination: Destination,
  { number, digest }: Remembered,
  before: readonly (Remembered | undefined)[],
  signal?: AbortSignal,
): Promise<void> {
  const state = stateOf(area, destination);
  const next = state.seal({ number, digest });
  await state.shared.update(async ({ value }) => {
    const known = believed(area, destination, value && (await state.open(value, signal)));
    if (known === undefined || before.some((one) => isSame(one, known))) return next;
    if (isSame({ number, digest }, known)) return undefined;
    const message = `${destination.location}: another run has published snapshot ${known.number} meanwhile`;
    throw new SecureStoreError('CONFLICT', message, { retryable: true });
  }, signal);
}

function isSame(one: Remembered | undefined, other: Remembered): boolean {
  return one?.number === other.number && one.digest === other.digest;
}
