import { createHash } from 'node:crypto';
import { lazyPart, MAX_POINT_LABEL_BYTES, SecureStoreError } from '@securestore/core-format';
import type { Job, JobKind } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { refuseOption } from '../repository/errors.ts';
import type { BackupOptions, SnapshotReport } from '../snapshot/snapshot-types.ts';
import type { Follower } from '../continuous/continuous.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import type { Registry } from '../trust/registry.ts';
import { restoredAfter } from '../trust/restore-label.ts';

const loadSnapshot = lazyPart('backups', () => import('../snapshot/snapshot.ts'));
const loadMending = lazyPart('backups', () => import('../trust/mend-keys.ts'));

const OPTIONS: ReadonlySet<string> = new Set(['label', 'takeOver']);

export interface BackupParameters {
  /** The URL of the destination; job states have it under this name. */
  readonly location: string;
  readonly label: string;
  /** Only if it is so. */
  readonly takeOver?: true | undefined;
}

/** What comes after the id of a backup that the continuous one to the same destination makes. */
const AT_ONCE = '-now';

/**
 * The id of the job that backs up to a destination: one at a time does. It is made of the URL as it is given, so that it is known
 * before anything is read.
 */
export function backupJobId(destination: string): string {
  return `backup-${createHash('sha256').update(destination).digest('hex').slice(0, 16)}`;
}

/** Whether a job backs up to one of the destinations, under the name that it is registered by. */
export function isJobOf({ destinations }: Registry, id: string): boolean {
  const ids = destinations.map(({ url }) => backupJobId(url));
  return ids.some((one) => id === one || id === one + AT_ONCE);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function checkLabel(label: unknown): asserts label is string {
  const isLabel =
    typeof label === 'string' &&
    Buffer.byteLength(label) <= MAX_POINT_LABEL_BYTES &&
    !/[\u0000-\u001f\u007f]/.test(label);
  if (!isLabel) {
    refuseOption('label', `must be text of at most ${MAX_POINT_LABEL_BYTES} bytes without control characters`);
  }
  if (restoredAfter(label) === undefined) return;
  refuseOption('label', 'must not be one that restores give to the snapshots that they make first');
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkTakeOver(takeOver: unknown): asserts takeOver is boolean | undefined {
  if (takeOver !== undefined && typeof takeOver !== 'boolean') refuseOption('takeOver', 'must be true or false');
}

function refuseUnregistered(url: string): never {
  throw new SecureStoreError(
    'CONFLICT',
    `${url} was unregistered while a backup to it was about to begin. Nothing was backed up.`,
    {
      advice: [
        { id: 'start-job-again', job: backupJobId(url) },
        { id: 'register-destination', destination: url },
      ],
    },
  );
}

/** Another store has the destination, or another copy of this one: each later run would fail in the same way. */
function isNotOwn({ code, advice = [] }: SecureStoreError): boolean {
  const isCopy = advice.some(({ id }) => id === 'take-over-destination' || id === 'unregister-destination');
  return code === 'ALREADY_EXISTS' || (code === 'CONFLICT' && isCopy);
}

/**
 * The work of a backup.
 *
 * @param registered whether the destination was registered when the backup was asked for; not known of one that is resumed
 * @param mended findings about what was repaired at the destination before
 */
export function backupKind(
  { area, destinations }: ManagedPorts,
  registered = false,
  mended: Set<string> = new Set(),
): JobKind<BackupParameters, SnapshotReport> {
  return {
    name: 'backup',
    isFinal: isNotOwn,
    parse(stored) {
      const { location, label, takeOver } = (stored ?? {}) as Partial<BackupParameters>;
      if (typeof location === 'string' && typeof label === 'string') {
        return { location, label, ...(takeOver === true && { takeOver }) };
      }
      throw new SecureStoreError('INTEGRITY', 'the state of the backup job is damaged: it has no destination');
    },
    run: ({ parameters: { location: url, label, takeOver }, signal, progress }) =>
      destinations.at(url, signal, async (connected) => {
        destinations.checkRegistered(url);
        const wasRegistered = destinations.isRegistered(url);
        if (registered && !wasRegistered) refuseUnregistered(url);
        const check = (): Promise<void> => destinations.checkAlone(url, connected.backend, signal);
        await mending(area, connected, mended, check, signal);
        const { makeSnapshot } = await loadSnapshot();
        const report = await makeSnapshot(area, connected, {
          label,
          takeOver,
          signal,
          onPhase: (phase) => progress({ phase }),
          onCopied: (versions, bytes) => progress({ done: versions, bytes }),
        });
        await destinations.register(url, connected.backend, signal, wasRegistered);
        if (mended.size === 0) return report;
        const { findings, destinationFindings } = report;
        return {
          ...report,
          // Callers know by its place which finding tells how many objects are missing: the first one.
          findings: [...new Set([...findings, ...mended])],
          destinationFindings: [...new Set([...destinationFindings, ...mended])],
        };
      }),
  };
}

/** Does `check`; if it finds the object `keys` of the destination damaged, once more after that was written again. @param findings are added to */
async function mending(
  area: BackupArea,
  place: Pick<Destination, 'backend' | 'url'>,
  findings: Set<string>,
  check: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    const { mendKeys } = await loadMending();
    const finding = await mendKeys(area, place, signal);
    if (finding === undefined) throw error;
    findings.add(finding);
    await check();
  }
}

/** Starts the job of a backup; if this process follows the destination, that makes the snapshot. */
export function startBackup(
  ports: ManagedPorts,
  followers: ReadonlyMap<string, Pick<Follower, 'snapshot'>>,
  destination: string,
  options: BackupOptions,
): Job<SnapshotReport> {
  const { area, destinations } = ports;
  const { label = '', takeOver } = options;
  checkLabel(label);
  checkTakeOver(takeOver);
  const url = destinations.named(destination);
  const parameters: BackupParameters = { location: url, label, ...(takeOver === true && { takeOver }) };
  const follower = followers.get(url);
  const id = backupJobId(destination);
  // One snapshot has everything that an earlier, interrupted backup would have had.
  const start = { parameters, replace: true };
  if (follower === undefined) {
    const mended = new Set<string>();
    const kind = backupKind(ports, destinations.isRegistered(url), mended);
    // If the destination can't be reached now, was lost, or has the backups of another copy, no job is left for others to resume.
    const before = (signal: AbortSignal): Promise<void> =>
      destinations.at(url, signal, async ({ backend }) => {
        const check = async (): Promise<void> => {
          if (destinations.isRegistered(url)) await destinations.checkAlone(url, backend, signal);
          await destinations.checkOwner(url, backend, takeOver === true, signal);
        };
        await mending(area, { backend, url }, mended, check, signal);
      });
    return area.runJob('backup', options, OPTIONS, { ...start, kind, id, before });
  }
  const kind = { ...backupKind(ports), run: async () => follower.snapshot(label) };
  return area.runJob('backup', options, OPTIONS, { ...start, kind, id: id + AT_ONCE });
}
