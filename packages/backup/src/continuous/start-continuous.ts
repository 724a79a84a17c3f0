import { SecureStoreError } from '@securestore/core-format';
import type { JobKind } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { refuse } from '../repository/errors.ts';
import type { ContinuousBackup, FollowOptions, SynchronousOptions } from './continuous-types.ts';
import { Follower } from './continuous.ts';
import { requireDestination } from '../repository/destination.ts';
import type { FollowedNow } from '../trust/replication-status.ts';
import { followedAt } from '../trust/replication-status.ts';
import { Line } from '../trust/reconnecting-destination.ts';
import type { Connected, Places } from '../trust/destinations.ts';
import { Points } from '../repository/snapshots.ts';
import { registryOf } from '../trust/registry.ts';
import { gateOf, remoteGate } from './synchronous.ts';

const NO_OPTIONS: ReadonlySet<string> = new Set();

/** What a continuous backup works with. */
export interface FollowPorts {
  readonly area: BackupArea;
  readonly places: Places;
  /** Those of this process, by location. */
  readonly followers: Map<string, Follower>;
  readonly jobId: string;
}

/** Codes with which a job is ended by whoever started it. */
const MEANT: ReadonlySet<string> = new Set(['ABORTED', 'TIMEOUT']);

/** Why a job has ended that nobody meant to end: its state was taken over, or can't be kept. */
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
  { area, places, followers }: FollowPorts,
  location: string,
  { interval, onStatus }: FollowOptions,
  stop: AbortSignal,
  onStarted: (follower: Follower) => void,
): JobKind<object, null> {
  return {
    name: 'continuous-backup',
    resumable: false,
    outlasts: () => area.isLockedOut,
    parse() {
      throw new SecureStoreError('UNSUPPORTED', 'a continuous backup is begun again by following the destination');
    },
    async run({ signal, progress }) {
      const place = await places.connect(location, signal);
      const line = new Line(places, place);
      let follower: Follower | undefined;
      try {
        places.checkRegistered(location);
        await places.checkAlone(location, place.backend, signal);
        progress({ phase: 'backing up continuously' });
        const ended = AbortSignal.any([signal, stop]);
        follower = new Follower(area, line, { interval, onStatus });
        await follower.begin(ended);
        await places.register(location, place.backend, ended);
        followers.set(location, follower);
        onStarted(follower);
        await follower.run(ended, () => lossOf(area, signal));
      } finally {
        if (followers.get(location) === follower) followers.delete(location);
        await line.drop();
      }
      return null;
    },
  };
}

function checkInterval(interval: unknown): void {
  if (interval === undefined || (Number.isSafeInteger(interval) && Number(interval) >= 1)) return;
  refuse('the option "interval" must be a whole number of milliseconds, 1 or more');
}

/** Begins a continuous backup, in a job that ends with the store. @throws SecureStoreError as `Backups.follow` does */
export async function follow(ports: FollowPorts, location: string, options: FollowOptions): Promise<ContinuousBackup> {
  const { area, jobId } = ports;
  const { synchronous = false, interval, onStatus: _, ...call } = options;
  checkInterval(interval);
  const stop = new AbortController();
  const started = Promise.withResolvers<Follower>();
  const kind = followKind(ports, location, options, stop.signal, started.resolve);
  const job = area.runJob('follow', call, NO_OPTIONS, { kind, parameters: {}, id: jobId, replace: true });
  const ended = Promise.resolve(job).then(() => undefined);
  ended.catch((error: unknown) => started.reject(error));
  const follower = await started.promise;
  if (synchronous !== false) area.guardMutations(gateOf(follower, synchronous === true ? {} : synchronous));
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
    shipped: () => follower.shipped(),
    stop: end,
    [Symbol.asyncDispose]: end,
  };
}

/** What is known of the continuous backup to a destination: by itself where this process makes it, else by what was told last. */
export async function followedFrom(
  { area, places, followers }: Omit<FollowPorts, 'jobId'>,
  destination: string,
  signal: AbortSignal | undefined,
): Promise<FollowedNow | undefined> {
  area.checkOpen();
  const name = places.nameOf(destination);
  const own = followers.get(name);
  if (own !== undefined) return { ...own.followed, isAlive: true, silent: 0 };
  // The newest under this name, where it was begun anew.
  const registered = registryOf(area).destinations.findLast(({ location }) => location === name);
  return registered && followedAt(area, Buffer.from(registered.id, 'hex'), signal);
}

/** Has writes wait for another process that follows a destination. @returns what ends that */
export function waitForOther(
  { area, places }: Pick<FollowPorts, 'area' | 'places'>,
  location: string,
  options: SynchronousOptions,
): () => Promise<void> {
  let place: Promise<Connected> | undefined;
  const points = async (): Promise<Points> => {
    place ??= places.connect(location);
    const { backend } = await place;
    return new Points(await requireDestination(backend, location), area.seals);
  };
  area.guardMutations(remoteGate(area, points, options));
  return async () => {
    area.guardMutations(undefined);
    await (await place)?.close();
  };
}
