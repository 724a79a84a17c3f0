import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { isUndecided } from '@securestore/jobs';
import { ancestorsAfter, isInstance, isSameStore } from '../ancestry.ts';
import { ownerKeys } from '../unlock/owner-keys.ts';
import { signedHead } from '../sign-head.ts';
import type { ReadHead, StoreState } from '../store-state.ts';
import { readHead } from '../store-state.ts';

const MAX_TRIES = 5;

/**
 * Whether a head has landed where its store moves to, but does not say yet that the store is there: it has moved only once the head of the
 * place that it leaves says so, which may never come. Until then no process works with it there, however it was opened. Its migration says
 * where it comes from, and as which instance; a store that closes to leave is announced.
 */
export const isLanded = ({ state, migration }: Pick<Head, 'state' | 'migration'>): boolean =>
  state === 'closing' && migration?.stage === 'copying';

/** Whether two heads come right after the same one. */
const isNextToSame = (a: Head, b: Head): boolean => {
  const [before, other] = [a.ancestors[0], b.ancestors[0]];
  return (
    a.generation === b.generation && before !== undefined && other !== undefined && Buffer.compare(before, other) === 0
  );
};

/**
 * Whether `left` is the head that says that the store which has landed as `landed` has moved there: both come after the head that closed
 * it. What an attempt before has left, which an attacker may have kept, has the same instances, and other keys, members and settings.
 */
export const hasLeftFor = (left: Head, landed: Head): boolean =>
  left.state === 'moved' &&
  left.migration !== undefined &&
  landed.migration !== undefined &&
  isNextToSame(left, landed) &&
  isSameStore(left, landed) &&
  isInstance(left, landed.migration) &&
  isInstance(left.migration, landed);

/** Whether `landed` is the head of what a store has landed as, from the head that has closed it. */
export const hasLandedFor = (closed: Head, landed: Head): boolean =>
  closed.migration !== undefined &&
  isInstance(landed, closed.migration) &&
  isSameStore(landed, closed) &&
  landed.generation > closed.generation;

/**
 * Whether `landed` is what was put, to give a migration up, in the place of what the store has landed as when it left by the head `left`.
 * What an attempt before has left there is older.
 */
const isWithdrawn = (left: Head, landed: Head): boolean =>
  isLanded(landed) &&
  left.migration !== undefined &&
  isInstance(landed, left.migration) &&
  landed.generation > left.generation;

/** Whether `there` is the head of the store that has landed as `landed`, as it is where that comes from and has not been left. */
export const isStillAt = (there: Head, landed: Head): boolean =>
  (there.state === 'open' || (there.state === 'closing' && !isLanded(there))) &&
  landed.migration !== undefined &&
  isSameStore(there, landed) &&
  isInstance(there, landed.migration);

/** A head that has landed, and its etag there. */
export type LandedHead = Pick<ReadHead, 'head' | 'etag'>;

/**
 * Opens the store where it has landed. To be called once the head of the place that it has left says so.
 *
 * @param left that head's store
 * @param known what is stored there, as far as is known: it is read if that is not so
 * @throws SecureStoreError `CONFLICT` if no head is there any more, or giving it up was begun; what the backend throws
 */
export async function openLanded(
  target: StorageBackend,
  left: StoreState,
  clock: Clock,
  signal: AbortSignal | undefined,
  known?: LandedHead,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const found = (tries === 1 ? known : undefined) ?? (await readHead(target, signal));
    if (found === undefined) {
      throw new SecureStoreError('CONFLICT', 'the store has moved, but no store is at the target of its migration', {
        advice: [{ id: 'reopen-source' }],
      });
    }
    if (isWithdrawn(left.head, found.head)) {
      throw new SecureStoreError('CONFLICT', 'the cancellation of the migration has not ended', {
        advice: [{ id: 'cancel-migration' }],
      });
    }
    // Another process has done it, and much may have come since.
    if (!isLanded(found.head) || !hasLeftFor(left.head, found.head)) return;
    const { migration: _, ...landed } = found.head;
    const head: Head = {
      ...landed,
      state: 'open',
      generation: landed.generation + 1,
      ancestors: ancestorsAfter(found.head),
      time: clock.now(),
    };
    try {
      await target.write(HEAD_NAME, signedHead(head, ownerKeys(left).identity), { ifMatch: found.etag, signal });
      return;
    } catch (error) {
      if (!isUndecided(error) || tries === MAX_TRIES) throw error;
    }
  }
}
