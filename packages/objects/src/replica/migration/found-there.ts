import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { ancestorsAfter, descendsFrom, isInstance, isSameStore } from '../../head/ancestry.ts';
import { ownerKeys } from '../../head/unlock/owner-keys.ts';
import { signedHead } from '../../head/sign-head.ts';
import type { ReadHead, StoreState } from '../../head/store-state.ts';
import { readHead } from '../../head/store-state.ts';
import { hasLandedFor, isLanded } from '../../head/move/staged-head.ts';
import { isTaken } from './target-reservation.ts';
import type { Anchor } from '../../head/trust/anchor.ts';
import type { Logger } from '../../api/types.ts';
import { rememberMoved } from '../../head/trust/check-identity.ts';

/** What is stored at the place to which a store has moved: `unopened` is what nobody has worked with there yet. */
export type FoundThere = 'the store' | 'left' | 'unopened' | 'nothing';

/**
 * What is stored at the place to which the store has moved: it, or what it has left behind there when it went on. What was re-encrypted is told by
 * nothing, so any store that is open may be it.
 */
export async function findAtTarget(
  target: StorageBackend,
  state: StoreState,
  signal: AbortSignal | undefined,
): Promise<FoundThere> {
  return found(target, state, await readHead(target, signal), signal);
}

async function found(
  target: StorageBackend,
  state: StoreState,
  there: ReadHead | undefined,
  signal: AbortSignal | undefined,
): Promise<FoundThere> {
  const { migration } = state.head;
  if (there === undefined || migration === undefined) return 'nothing';
  const { head } = there;
  if (migration.resealed) {
    const isUnopened = head.state === 'scratch' && (await isTaken(target, state, migration.instance, signal));
    return isUnopened ? 'unopened' : 'the store';
  }
  // It may have gone on from there and come back, as another instance.
  if (!isSameStore(head, state.head) || !descendsFrom(head, migration)) return 'nothing';
  // What comes from a third place, where it has left, is not to be withdrawn.
  if (isLanded(head)) return isInstance(head, migration) ? 'unopened' : 'the store';
  return head.state === 'moved' ? 'left' : 'the store';
}

/**
 * Removes the head at the place to which the store has moved if nobody has opened it there yet. From then on nobody does, so that the store can
 * be opened again where it was.
 *
 * @returns whether it was removed
 * @throws SecureStoreError `CONFLICT` if another process opened it at this moment; `UNSUPPORTED` if it is re-encrypted and the backend has no conditional
 *   deletions; what the backend throws
 */
export async function withdrawUnopened(
  target: StorageBackend,
  state: StoreState,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const there = await readHead(target, signal);
  if (there === undefined || (await found(target, state, there, signal)) !== 'unopened') return false;
  if (target.capabilities.conditionalDelete) {
    await target.delete(HEAD_NAME, { ifMatch: there.etag, signal });
    return true;
  }
  await fence(target, state, there, signal);
  await target.delete(HEAD_NAME, { signal });
  return true;
}

/**
 * Replaces a head that nobody has opened yet by one that nobody can open, as it does not come right after the one that closed the store.
 *
 * @throws SecureStoreError `CONFLICT` if another process opened it at this moment; `UNSUPPORTED` if it is re-encrypted, so that its keys are not here
 */
async function fence(
  target: StorageBackend,
  state: StoreState,
  { head, etag }: ReadHead,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (state.head.migration?.resealed === true) {
    throw new SecureStoreError(
      'UNSUPPORTED',
      'the re-encrypted store cannot be given up: its backend has no conditional deletions. Nothing was changed.',
      { advice: [{ id: 'resume-migration' }] },
    );
  }
  const fenced = { ...head, generation: head.generation + 1, ancestors: ancestorsAfter(head) };
  await target.write(HEAD_NAME, signedHead(fenced, ownerKeys(state).identity), { ifMatch: etag, signal });
}

/** Where a store has moved, and by what it is remembered there. */
export interface NewPlace {
  readonly backend: StorageBackend;
  /** Without credentials, as the anchor names it. */
  readonly url: string;
  readonly anchor?: Anchor | undefined;
}

/** The head of the store where it has moved; `undefined` if something else is stored there by now. @param left the head that says so */
async function movedHead(
  backend: StorageBackend,
  left: Head,
  signal: AbortSignal | undefined,
): Promise<Head | undefined> {
  const head = (await readHead(backend, signal))?.head;
  return head !== undefined && hasLandedFor(left, head) ? head : undefined;
}

/**
 * Remembers a store where it has moved, so that an older copy there, or another store, shows from the first time on that it is opened.
 *
 * @param left the head that says that it has moved
 * @param anew the head of the store that it was re-encrypted as, if it was
 */
export async function rememberAt(
  { backend, url, anchor }: NewPlace,
  left: Head,
  anew: Head | undefined,
  logger: Logger | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (anchor === undefined) return;
  const head = left.migration?.resealed === true ? anew : await movedHead(backend, left, signal);
  if (head !== undefined) await rememberMoved({ backend, url, anchor, logger }, head);
}
