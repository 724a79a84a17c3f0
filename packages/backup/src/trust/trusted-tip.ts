import { BACKUP_AREAS, SecureStoreError } from '@securestore/core-format';
import { isCount } from '@securestore/jobs';
import type { JournalFinding, BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { SealedState } from '../repository/destination-state.ts';
import type { Fence, TrustedTip } from './registry.ts';
import { fenceIn, isBehind, isFenced } from './registry.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { published } from '../repository/snapshots.ts';

/** What the store remembers of a point. */
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

/** A state that was written with a replaced key can't be about a point that came after the replacement. */
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
 * The newest point of a destination that the store remembers; `undefined` for none. An attacker with access to the backend of the store can
 * remove it, or put an older one back; only a member with the right to back up can make another one.
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
 * Whether a point was made with a replaced key, instead of the last one that the store remembers or after it. Every run with the right to
 * back up has the new key, and has the store remember its points.
 */
function isUnknown(trusted: TrustedTip | undefined, { number, digest, isOld }: FoundPoint): boolean {
  if (trusted === undefined || !isOld || number < trusted.number) return false;
  return number > trusted.number || digest.toString('hex') !== trusted.digest;
}

/** What tells the points of a destination that are not the store's own. */
export interface Evidence {
  /** What the store remembers: an attacker with access to its backend can remove that. */
  readonly trusted: TrustedTip | undefined;
  /** The fence in its signed head. */
  readonly fence: Fence | undefined;
  /** The order of key versions, by their ids. */
  readonly keyOrder: ReadonlyMap<string, number>;
}

/** Whether a point is not the store's own, by any evidence. */
export function isForeign({ trusted, fence, keyOrder }: Evidence, point: FoundPoint): boolean {
  return isUnknown(trusted, point) || isBehind(fence, keyOrder, point);
}

/** The error for a point that is not the store's own. */
export function foreignPoint(number: number): SecureStoreError {
  return new SecureStoreError(
    'INTEGRITY',
    `snapshot ${number} is not authentic: the store does not know it, and its key was retired`,
    { advice: [{ id: 'verify-backup' }, { id: 'choose-snapshot' }] },
  );
}

/** What a store knows of a destination. @throws SecureStoreError `INTEGRITY` */
export function evidenceOf(area: BackupArea, destination: Destination, trusted: TrustedTip | undefined): Evidence {
  return { trusted, fence: fenceIn(area.destinations, destination), keyOrder: area.keyOrder };
}

/**
 * Whether points that the store remembers are gone from a destination: then the journal has been read beyond what is there.
 *
 * @param newest of the store's own, as it was read after `trusted`
 * @returns the alarm about it
 */
export function rolledBack(
  { url }: Pick<Destination, 'url'>,
  trusted: TrustedTip | undefined,
  newest: FoundPoint | undefined,
): JournalFinding | undefined {
  if (trusted === undefined || matchesTip(trusted, newest)) return undefined;
  if (newest !== undefined && newest.number > trusted.number) return undefined;
  const found = newest === undefined ? 'none' : String(newest.number);
  const message = `the newest snapshot at ${url} was ${trusted.number}, and is now ${found}: snapshots were removed or replaced`;
  return { type: 'rolled-back', name: BACKUP_AREAS.points, message };
}

/**
 * Has the store remember a point. If that fails, the next run finds the points at the destination.
 *
 * @param before what it may remember: anything else shows that other runs have published meanwhile
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
    throw published(destination.url, trusted.number);
  }, signal);
}

function isSame(one: TrustedTip | undefined, other: TrustedTip): boolean {
  return one?.number === other.number && one.digest === other.digest;
}
