import { BACKUP_AREAS, SecureStoreError } from '@securestore/core-format';
import { isCount } from '@securestore/jobs';
import type { Alarm, BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { SealedState } from '../repository/destination-state.ts';
import type { Fence, TrustedTip } from './registry.ts';
import { fenceIn, isBehind, isFenced } from './registry.ts';
import type { FoundPoint } from '../repository/snapshots.ts';

/** What the store knows of a point. */
export function tipOf({ number, digest }: Pick<FoundPoint, 'number' | 'digest'>): TrustedTip {
  return { number, digest: digest.toString('hex') };
}

function parse(value: unknown): TrustedTip | undefined {
  const { number, digest } = value as Partial<TrustedTip>;
  return isCount(number) && typeof digest === 'string' ? { number, digest } : undefined;
}

function stateOf(area: BackupArea, { id }: Pick<Destination, 'id'>): SealedState<TrustedTip> {
  return new SealedState(area, 'newest', id, 'its newest snapshot', parse);
}

/** Who had a key that was replaced, and no other since, tells of nothing that came after that. */
function believed(
  area: BackupArea,
  destination: Destination,
  opened: { readonly value: TrustedTip | undefined; readonly isOld: boolean } | undefined,
): TrustedTip | undefined {
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
export async function trustedTipAt(
  area: BackupArea,
  destination: Destination,
  signal?: AbortSignal,
): Promise<TrustedTip | undefined> {
  return believed(area, destination, await stateOf(area, destination).read(signal));
}

/** Whether a point is the one that the store remembers. */
export function matchesTip(trusted: TrustedTip | undefined, point: FoundPoint | undefined): boolean {
  return point !== undefined && trusted?.number === point.number && trusted.digest === point.digest.toString('hex');
}

/**
 * Whether a point was made with a key that has been replaced, in the place of the last one that the store knows of or after it. Whoever may
 * back up has the new key, and has the store know.
 */
function isUnknown(trusted: TrustedTip | undefined, { number, digest, isOld }: FoundPoint): boolean {
  if (trusted === undefined || !isOld || number < trusted.number) return false;
  return number > trusted.number || digest.toString('hex') !== trusted.digest;
}

/** What tells the points of a destination that are not the store's own. */
export interface Evidence {
  /** What the store remembers: whoever has its backend can remove that. */
  readonly trusted: TrustedTip | undefined;
  /** What its signed head says in any case. */
  readonly fence: Fence | undefined;
  /** How new key versions are, by their ids. */
  readonly keyOrder: ReadonlyMap<string, number>;
}

/** Whether a point is not the store's own, by any of what tells it. */
export function isForeign({ trusted, fence, keyOrder }: Evidence, point: FoundPoint): boolean {
  return isUnknown(trusted, point) || isBehind(fence, keyOrder, point);
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
export function evidenceOf(area: BackupArea, destination: Destination, trusted: TrustedTip | undefined): Evidence {
  return { trusted, fence: fenceIn(area.destinations, destination), keyOrder: area.keyOrder };
}

/**
 * Whether points are gone from a destination that the store knows of: then the journal has been read beyond what lies there.
 *
 * @param newest of the store's own, as it was read after `trusted`
 * @returns what to tell of it
 */
export function rolledBack(
  { location }: Pick<Destination, 'location'>,
  trusted: TrustedTip | undefined,
  newest: FoundPoint | undefined,
): Alarm | undefined {
  if (trusted === undefined || matchesTip(trusted, newest)) return undefined;
  if (newest !== undefined && newest.number > trusted.number) return undefined;
  const found = newest === undefined ? 'none' : String(newest.number);
  const message = `${location}: the newest snapshot was ${trusted.number}, and now ${found} is: somebody has removed or replaced what was backed up`;
  return { type: 'rolled-back', name: BACKUP_AREAS.points, message };
}

/**
 * Has the store know of a point. If it can't be kept, the next run finds the points that there are.
 *
 * @param before what it may know: anything else shows that others have published meanwhile
 * @throws SecureStoreError `CONFLICT` if they have; as `SharedState.update`
 */
export async function trustTip(
  area: BackupArea,
  destination: Destination,
  { number, digest }: TrustedTip,
  before: readonly (TrustedTip | undefined)[],
  signal?: AbortSignal,
): Promise<void> {
  const state = stateOf(area, destination);
  const next = state.seal({ number, digest });
  await state.shared.update(async ({ value }) => {
    const trusted = believed(area, destination, value && (await state.open(value, signal)));
    if (trusted === undefined || before.some((one) => isSame(one, trusted))) return next;
    if (isSame({ number, digest }, trusted)) return undefined;
    const message = `${destination.location}: another run has published snapshot ${trusted.number} meanwhile`;
    throw new SecureStoreError('CONFLICT', message, { retryable: true });
  }, signal);
}

function isSame(one: TrustedTip | undefined, other: TrustedTip): boolean {
  return one?.number === other.number && one.digest === other.digest;
}
