import { BACKUP_KEYS_NAME, SecureStoreError } from '@securestore/core-format';
import { headOf, requireDestination } from '../repository/destination.ts';
import { anotherPoint, withRetries } from '../repository/errors.ts';
import type { OpenedBackup } from './opened-backup.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { isAfter, ignoredFileAlarms } from './chain-tip.ts';

/** So many points are looked at for one that vouches for what was before it. */
const MAX_LOOKED = 5000;
/** How often a backup is opened while its keys are replaced again and again. */
const MAX_OPENED = 4;

/** What is to be said of a point before it is restored. */
export interface AttestationResult {
  /** What is wrong with it, which keeps it from being restored. */
  readonly error?: SecureStoreError;
  readonly warnings: readonly string[];
}

/** What became of the search for a later point that vouches for one: it is found, another one contradicts, or nobody knows. */
type Attestation = 'found' | 'none' | SecureStoreError;

/**
 * Follows the chain upwards, to a point that nobody has made whose key was retired: each names the one before it.
 *
 * If points in between were removed, it ends.
 */
async function findAttestation(
  backup: OpenedBackup,
  point: FoundPoint,
  signal: AbortSignal | undefined,
): Promise<Attestation> {
  if (backup.isCertain(point)) return 'found';
  const later = (await backup.points.numbers(signal)).filter((number) => number > point.number).toReversed();
  let before = point;
  for (const number of later.slice(0, MAX_LOOKED)) {
    if (backup.isCertain(before)) return 'found';
    const after = await backup.points.readOrDamaged(number, signal);
    // What can't be read, or is somebody else's, says nothing of others.
    if ('error' in after || backup.isForeign(after)) continue;
    if (isAfter(after, before)) before = after;
    else if (number > before.number + 1) return 'none';
    else return anotherPoint(before.number, number);
  }
  return backup.isCertain(before) ? 'found' : 'none';
}

/**
 * What is to be told before a point is restored. Whoever had a key that was retired since may have put there what is sealed with it: so
 * something later has to vouch for it.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function attest(
  backup: OpenedBackup,
  point: FoundPoint,
  signal?: AbortSignal,
): Promise<AttestationResult> {
  const { destination } = backup;
  const tip = await backup.chainTip(signal);
  const warnings = ignoredFileAlarms(destination, tip).map(({ message }) => message);
  const attestation = await findAttestation(backup, point, signal);
  if (attestation === 'found') return { warnings };
  if (attestation !== 'none') {
    const message =
      `${destination.location}: ${attestation.message}: somebody whose right to back up was taken away may have made it. Choose another ` +
      'snapshot; or restore with "partial" what lies there';
    return { warnings, error: new SecureStoreError(attestation.code, message, { cause: attestation }) };
  }
  const doubt =
    `${destination.location}: snapshot ${point.number} was made with a key that was retired since, and what came after it was removed, ` +
    'so nothing vouches for it: whoever had that key, and could write there, may have put it there later. Compare it with what you know';
  return { warnings: [...warnings, doubt] };
}

/** The keys of a backup were replaced after they had been read: it has to be opened again. */
class KeysReplaced extends SecureStoreError {
  constructor(location: string) {
    const message = `${location}: the keys of the backup were replaced while it was being opened; try again`;
    super('CONFLICT', message, { retryable: true });
  }
}

/** Does `work`, which opens a backup, again if the keys were replaced meanwhile. @throws errors of `work` */
export function withKeysOfNow<T>(work: () => Promise<T>): Promise<T> {
  return withRetries((error) => error instanceof KeysReplaced, MAX_OPENED, work);
}

/**
 * The first of `points` that is newer than the keys of a backup: then somebody has put old ones back. Generations go on from one instance
 * to the next, and whoever publishes a point has replaced the keys first.
 *
 * @throws KeysReplaced if newer ones lie there by now; errors of the backend
 */
export async function newerThanKeys(
  { copy, destination }: OpenedBackup,
  points: readonly FoundPoint[],
  signal: AbortSignal | undefined,
): Promise<FoundPoint | undefined> {
  const newer = points.find(({ generation }) => copy.head.generation < generation);
  if (newer === undefined) return undefined;
  const { backend, location } = destination;
  const now = headOf(await requireDestination(backend, location, signal));
  if (copy.head.generation < now.generation) throw new KeysReplaced(location);
  return newer;
}

/**
 * What makes a store of a backup gives its keys to all slots and members that `keys` names: not to those of before.
 *
 * @returns what is wrong; `undefined` if nothing is
 * @throws as {@link newerThanKeys}
 */
export async function olderKeys(
  backup: OpenedBackup,
  point: FoundPoint,
  signal: AbortSignal | undefined,
): Promise<SecureStoreError | undefined> {
  const { location } = backup.destination;
  const newest = (await backup.chainTip(signal)).newest ?? point;
  const than = await newerThanKeys(backup, [point, newest], signal);
  if (than === undefined) return undefined;
  return new SecureStoreError(
    'ROLLBACK',
    `${location}: the object "${BACKUP_KEYS_NAME}" is of generation ${backup.copy.head.generation} of the store, older than snapshot ` +
      `${than.number} (${than.generation}): secrets and members that were removed since would open the restored store. Bring the newer one ` +
      'back from another destination; or restore with "partial", and look at slots and members then',
  );
}
