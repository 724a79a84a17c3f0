import { BACKUP_KEYS_NAME, SecureStoreError } from '@securestore/core-format';
import { headOf, requireDestination } from '../repository/destination.ts';
import { anotherPoint, withRetries } from '../repository/errors.ts';
import type { OpenedBackup } from './opened-backup.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { isAfter, ignoredFileAlarms } from './chain-tip.ts';

/** How many points are read to find one that authenticates those before it. */
const MAX_LOOKED = 5000;
/** How often a backup is opened while other processes replace its keys. */
const MAX_OPENED = 4;

/** What is known of a point before it is restored. */
export interface AttestationResult {
  /** Why it can't be restored. */
  readonly error?: SecureStoreError;
  readonly warnings: readonly string[];
}

/** The result of the search for a later point that authenticates one: found, contradicted by another one, or unknown. */
type Attestation = 'found' | 'none' | SecureStoreError;

/**
 * Follows the chain upwards, to a point that no holder of a retired key can have made: each names the one before it.
 *
 * If points in between were removed, it ends.
 */
async function findAttestation(
  backup: OpenedBackup,
  point: FoundPoint,
  signal: AbortSignal | undefined,
): Promise<Attestation> {
  if (backup.isCertain(point)) return 'found';
  const later = (await backup.recoveryPoints.numbers(signal)).filter((number) => number > point.number).toReversed();
  let before = point;
  for (const number of later.slice(0, MAX_LOOKED)) {
    if (backup.isCertain(before)) return 'found';
    const after = await backup.recoveryPoints.readOrDamaged(number, signal);
    // Damaged and foreign points say nothing about others.
    if ('error' in after || backup.isForeign(after)) continue;
    if (isAfter(after, before)) before = after;
    else if (number > before.number + 1) return 'none';
    else return anotherPoint(before.number, number);
  }
  return backup.isCertain(before) ? 'found' : 'none';
}

/**
 * The error and the warnings of restoring a point. An attacker who has a retired key may have written points with it later: so a later
 * point has to authenticate them.
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
    const message = `${attestation.message}. A former member without the right to back up may have made it.`;
    const advice = [{ id: 'choose-snapshot', destination: destination.url }, { id: 'restore-partially' }] as const;
    return { warnings, error: SecureStoreError.from(attestation, { message, advice, cause: attestation }) };
  }
  const doubt =
    `snapshot ${point.number} of ${destination.url} cannot be authenticated: its key was retired, and later snapshots were removed. ` +
    'An attacker with that key, and the right to write there, may have made it later.';
  return { warnings: [...warnings, doubt] };
}

/** The keys of a backup were replaced after they had been read: it has to be opened again. */
class KeysReplaced extends SecureStoreError {
  constructor(url: string) {
    const message = `the keys of the backup at ${url} were replaced while it was opened`;
    super('CONFLICT', message, { retryable: true, advice: [{ id: 'try-again' }] });
  }
}

/** Does `work`, which opens a backup, again if the keys were replaced meanwhile. @throws errors of `work` */
export function withKeysOfNow<T>(work: () => Promise<T>): Promise<T> {
  return withRetries((error) => error instanceof KeysReplaced, MAX_OPENED, work);
}

/**
 * The first of `points` that is newer than the keys of a backup: then old keys were put back. Generations continue from one instance to
 * the next, and every run replaces the keys before it publishes a point.
 *
 * @throws KeysReplaced if newer ones are there by now; errors of the backend
 */
export async function newerThanKeys(
  { copy, destination }: OpenedBackup,
  points: readonly FoundPoint[],
  signal: AbortSignal | undefined,
): Promise<FoundPoint | undefined> {
  const newer = points.find(({ generation }) => copy.head.generation < generation);
  if (newer === undefined) return undefined;
  const { backend, url } = destination;
  const now = headOf(await requireDestination(backend, url, signal));
  if (copy.head.generation < now.generation) throw new KeysReplaced(url);
  return newer;
}

/**
 * A restore to a new store gives its encryption keys to all slots and members in the object `keys`, so that must not be an older one.
 *
 * @returns what is wrong; `undefined` if nothing is
 * @throws as {@link newerThanKeys}
 */
export async function olderKeys(
  backup: OpenedBackup,
  point: FoundPoint,
  signal: AbortSignal | undefined,
): Promise<SecureStoreError | undefined> {
  const { url } = backup.destination;
  const newest = (await backup.chainTip(signal)).newest ?? point;
  const than = await newerThanKeys(backup, [point, newest], signal);
  if (than === undefined) return undefined;
  return new SecureStoreError(
    'ROLLBACK',
    `the object "${BACKUP_KEYS_NAME}" at ${url} is older than snapshot ${than.number} (generation ${backup.copy.head.generation}, not ` +
      `${than.generation}). Unlock secrets and members that were removed since would open the restored store.`,
    { advice: [{ id: 'check-writers', url }, { id: 'restore-partially' }] },
  );
}
