import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea, MutationGate } from '@securestore/objects/internal';
import type { SynchronousOptions } from './continuous-types.ts';
import type { Follower } from './continuous.ts';
import type { FoundPoint, Points } from '../repository/snapshots.ts';

const LOOK_AGAIN_AFTER = 100;
/** So many that are none of its points, or damaged, are passed over at each look. */
const MAX_STRANGE = 100;
/** How long a write waits for a process that copies, in milliseconds. */
const WAIT_AT_MOST = 30_000;
/** How much later than by this process's clock a point may have been made since, in milliseconds. */
const TOLERANCE = 5_000;

/** @param outcome `unknown` for a write that was made and may not be backed up */
function unavailable(message: string, cause: unknown, after: string, outcome?: 'unknown'): SecureStoreError {
  const why = SecureStoreError.is(cause) ? `: ${cause.message}` : '';
  return new SecureStoreError('UNAVAILABLE', `${message}${why}${after}`, { cause, retryable: true, outcome });
}

/**
 * Makes writes wait until they are backed up.
 *
 * @param failure why nothing can be backed up now, if that is known before a write
 * @param wait resolves once what was written is backed up
 */
function gateWith(
  failure: () => unknown,
  wait: (signal: AbortSignal | undefined) => Promise<void>,
  { unreachable = 'refuse', onAlert }: SynchronousOptions,
): MutationGate {
  const fail = (error: SecureStoreError): void => {
    if (unreachable === 'refuse') throw error;
    onAlert?.(`writes are acknowledged without being backed up: ${error.message}`);
  };
  return {
    get isShut() {
      return unreachable === 'refuse' && failure() !== undefined;
    },
    before() {
      const cause = failure();
      if (cause === undefined) return;
      fail(unavailable("the destination of the backup can't be reached", cause, '; nothing was changed'));
    },
    async after(signal) {
      try {
        await wait(signal);
      } catch (cause) {
        const error = unavailable('it was stored, and may not have been backed up', cause, '', 'unknown');
        if (signal?.aborted === true) throw error;
        fail(error);
      }
    },
  };
}

/** Has writes wait for the process that copies, which is this one. */
export function localGate(follower: Follower, options: SynchronousOptions): MutationGate {
  return gateWith(
    () => follower.error,
    () => follower.shipped(),
    options,
  );
}

/** The newest point under the key of now, which whoever copies has; who was taken the right to may still have the one before. */
async function newestOfNow(points: Points, signal: AbortSignal | undefined): Promise<FoundPoint | undefined> {
  let looked = 0;
  for await (const read of points.all(signal)) {
    if (!('error' in read) && !read.isOld) return read;
    looked += 1;
    if (looked === MAX_STRANGE) return undefined;
  }
  return undefined;
}

/** Has writes wait for a process that copies, which is another one: until a point is of a later time. */
export function remoteGate(area: BackupArea, points: () => Promise<Points>, options: SynchronousOptions): MutationGate {
  let failure: { readonly cause: unknown; readonly isOver: (newest: FoundPoint) => boolean } | undefined;
  let isLooking = false;
  /** Whether a point has everything that was acknowledged before `after`. */
  const isLater = (after: number): ((newest: FoundPoint) => boolean) => {
    const begun = area.clock.now();
    return ({ time }) => {
      // A point from before the clock was set back says a time that is still to come, and nothing of this write.
      const latest = after + (area.clock.now() - begun) + TOLERANCE;
      return time > after && time <= latest;
    };
  };
  /** Looks whether a process copies again: nobody waits for that, and what is refused meanwhile can be tried again. */
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      const newest = await newestOfNow(await points(), undefined);
      if (newest !== undefined && failure?.isOver(newest) === true) failure = undefined;
    } catch {
      // It is away still.
    } finally {
      isLooking = false;
    }
  };
  const waitFor = async (signal: AbortSignal | undefined): Promise<void> => {
    // Until the backend has told its time, that of this process has to do.
    let isOver = isLater(area.clock.now() + TOLERANCE);
    try {
      const committed = await area.backendNow(signal);
      if (committed === undefined) {
        isOver = () => false;
        throw new SecureStoreError(
          'UNSUPPORTED',
          "the backend of the store doesn't tell its time: have this process copy",
        );
      }
      isOver = isLater(committed + 2 * area.capabilities.clockSkew);
      const begun = area.clock.now();
      while (area.clock.now() - begun < WAIT_AT_MOST) {
        const newest = await newestOfNow(await points(), signal);
        if (newest !== undefined && isOver(newest)) return;
        await area.clock.sleep(LOOK_AGAIN_AFTER, signal);
      }
      throw new SecureStoreError('TIMEOUT', 'no process has backed up the store for 30 s');
    } catch (cause) {
      // Whoever waits no longer says nothing of the backup.
      if (signal?.aborted !== true) failure = { cause, isOver };
      throw cause;
    }
  };
  const failed = (): unknown => {
    if (failure !== undefined) void look();
    return failure?.cause;
  };
  const wait = async (signal: AbortSignal | undefined): Promise<void> => {
    await waitFor(signal);
    failure = undefined;
  };
  return gateWith(failed, wait, options);
}
