import { SecureStoreError } from '@securestore/core-format';
import type { JobKind } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { NO_OPTIONS } from '@securestore/objects/surface';
import { refuseOption } from '../repository/errors.ts';
import type { ContinuousBackup, ContinuousBackupOptions } from './continuous-types.ts';
import { Follower } from './continuous.ts';
import type { CurrentReplicationStatus } from '../trust/replication-status.ts';
import { replicationStatusAt } from '../trust/replication-status.ts';
import { ReconnectingDestination } from '../trust/reconnecting-destination.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import { registryOf } from '../trust/registry.ts';
import { localGate } from './synchronous.ts';

/** What a continuous backup works with. */
export interface FollowPorts extends ManagedPorts {
  /** Those of this process, by the URL of the destination. */
  readonly followers: Map<string, Follower>;
  readonly jobId: string;
}

/** Codes with which the caller ends a job. */
const MEANT: ReadonlySet<string> = new Set(['ABORTED', 'TIMEOUT']);

/** Why a job has ended that the caller did not end: its state was taken over, or can't be kept. */
function lossOf(area: BackupArea, { reason }: AbortSignal): SecureStoreError | undefined {
  if (!SecureStoreError.is(reason) || MEANT.has(reason.code)) return undefined;
  try {
    area.checkOpen();
    return reason;
  } catch {
    // It ends with the store.
    return undefined;
  }
}

function followKind(
  { area, destinations, followers }: FollowPorts,
  url: string,
  { interval, onStatus }: ContinuousBackupOptions,
  stop: AbortSignal,
  onStarted: (follower: Follower) => void,
): JobKind<object, null> {
  return {
    name: 'continuous-backup',
    resumable: false,
    outlasts: () => area.isLockedOut,
    parse() {
      throw new SecureStoreError('UNSUPPORTED', 'a continuous backup cannot be resumed as a job', {
        advice: [{ id: 'follow-destination', destination: url }],
      });
    },
    async run({ signal, progress }) {
      const connected = await destinations.connect(url, signal);
      const connection = new ReconnectingDestination(destinations, connected);
      let follower: Follower | undefined;
      try {
        destinations.checkRegistered(url);
        await destinations.checkAlone(url, connected.backend, signal);
        progress({ phase: 'backing up continuously' });
        const ended = AbortSignal.any([signal, stop]);
        follower = new Follower(area, connection, { interval, onStatus });
        await follower.begin(ended);
        await destinations.register(url, connected.backend, ended);
        followers.set(url, follower);
        onStarted(follower);
        await follower.run(ended, () => lossOf(area, signal));
      } finally {
        if (followers.get(url) === follower) followers.delete(url);
        await connection.disconnect();
      }
      return null;
    },
  };
}

function checkInterval(interval: unknown): void {
  if (interval === undefined || (Number.isSafeInteger(interval) && Number(interval) >= 1)) return;
  refuseOption('interval', 'must be a whole number of milliseconds from 1');
}

/** Begins a continuous backup, in a job that ends with the store. @throws SecureStoreError as `Backups.startContinuous` does */
export async function follow(
  ports: FollowPorts,
  url: string,
  options: ContinuousBackupOptions,
): Promise<ContinuousBackup> {
  const { area, jobId } = ports;
  const { synchronous = false, interval, onStatus: _, ...call } = options;
  checkInterval(interval);
  const stop = new AbortController();
  const started = Promise.withResolvers<Follower>();
  const kind = followKind(ports, url, options, stop.signal, started.resolve);
  const job = area.runJob('backups.startContinuous', call, NO_OPTIONS, {
    kind,
    parameters: {},
    id: jobId,
    replace: true,
  });
  const ended = Promise.resolve(job).then(() => undefined);
  ended.catch((error: unknown) => started.reject(error));
  const follower = await started.promise;
  if (synchronous !== false) area.guardMutations(localGate(follower, synchronous === true ? {} : synchronous));
  const end = async (): Promise<void> => {
    if (synchronous !== false) area.guardMutations(undefined);
    stop.abort();
    await ended;
  };
  return {
    get status() {
      return follower.status;
    },
    ended,
    caughtUp: () => follower.shipped(),
    close: end,
    [Symbol.asyncDispose]: end,
  };
}

/** The state of the continuous backup to a destination: its own if this process makes it, else what was published last. */
export async function replicationStatusFrom(
  { area, destinations, followers }: Omit<FollowPorts, 'jobId'>,
  destination: string,
  signal: AbortSignal | undefined,
): Promise<CurrentReplicationStatus | undefined> {
  area.checkOpen();
  const name = destinations.nameOf(destination);
  const own = followers.get(name);
  if (own !== undefined) return { ...own.replicationStatus, isAlive: true, silent: 0 };
  // The newest of this name, if it was registered again.
  const registered = registryOf(area).destinations.findLast(({ url }) => url === name);
  return registered && replicationStatusAt(area, Buffer.from(registered.id, 'hex'), signal);
}
