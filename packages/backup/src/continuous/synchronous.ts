import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea, MutationGate } from '@securestore/objects/internal';
import type { SynchronousOptions } from './continuous-types.ts';
import type { Follower } from './continuous.ts';
import type { FoundPoint, Points } from '../repository/snapshots.ts';

const LOOK_AGAIN_AFTER = 100;
/** How many foreign or damaged points are skipped at each look. */
const MAX_STRANGE = 100;
/** How long a write waits for a process that copies, in milliseconds. */
const WAIT_AT_MOST = 30_000;
/** How much later than by this process's clock a point may have been made since, in milliseconds. */
const TOLERANCE = 5_000;

/** @param effect on the write @param outcome `unknown` for a write that was made and may not be backed up */
function unavailable(message: string, cause: unknown, effect: string, outcome?: 'unknown'): SecureStoreError {
  const known = SecureStoreError.is(cause) ? cause : undefined;
  const why = known === undefined ? '' : `: ${known.message.replace(/\.$/, '')}`;
  const advice = known?.advice ?? [{ id: 'try-again' }];
  return new SecureStoreError('UNAVAILABLE', `${message}${why}. ${effect}`, {
    cause,
    retryable: true,
    outcome,
    advice,
  });
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
    onAlert?.(`writes are acknowledged and may not be backed up: ${error.message}`);
  };
  return {
    get isShut() {
      return unreachable === 'refuse' && failure() !== undefined;
    },
    before() {
      const cause = failure();
      if (cause === undefined) return;
      fail(unavailable('the continuous backup cannot ship changes', cause, 'Nothing was changed.'));
    },
    async after(signal) {
      try {
        await wait(signal);
      } catch (cause) {
        const message = 'the continuous backup did not confirm the change';
        const error = unavailable(message, cause, 'The change was made, and may not be backed up.', 'unknown');
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

/** The newest point under the current key, which a process that copies has; a former member may still have the key before. */
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
export function remoteGate(
  area: BackupArea,
  destination: string,
  points: () => Promise<Points>,
  options: SynchronousOptions,
): MutationGate {
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
  /** Looks whether a process copies again. No caller waits for that; what is refused meanwhile can be tried again. */
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      const newest = await newestOfNow(await points(), undefined);
      if (newest !== undefined && failure?.isOver(newest) === true) failure = undefined;
    } catch {
      // The destination still can't be reached.
    } finally {
      isLooking = false;
    }
  };
  const waitFor = async (signal: AbortSignal | undefined): Promise<void> => {
    // The clock of this process is used until that of the backend is known.
    let isOver = isLater(area.clock.now() + TOLERANCE);
    try {
      const committed = await area.backendNow(signal);
      if (committed === undefined) {
        isOver = () => false;
        throw new SecureStoreError(
          'UNSUPPORTED',
          'the backend of the store has no clock, so another process cannot confirm backups',
        );
      }
      isOver = isLater(committed + 2 * area.capabilities.clockSkew);
      const begun = area.clock.now();
      while (area.clock.now() - begun < WAIT_AT_MOST) {
        const newest = await newestOfNow(await points(), signal);
        if (newest !== undefined && isOver(newest)) return;
        await area.clock.sleep(LOOK_AGAIN_AFTER, signal);
      }
      const message = `no process has backed up the store for ${WAIT_AT_MOST / 1000} s`;
      throw new SecureStoreError('TIMEOUT', message, { advice: [{ id: 'follow-destination', destination }] });
    } catch (cause) {
      // That the caller has stopped waiting says nothing about the backup.
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
