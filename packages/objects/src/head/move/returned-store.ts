import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { isDamage, MAX_ANCESTORS, SecureStoreError } from '@securestore/core-format';
import { followsFrom, headDigest, isInstance, isSameStore } from '../ancestry.ts';
import type { ReadHead } from '../store-state.ts';
import type { FollowPorts, MigrationTargets } from './follow-redirect.ts';
import { readThere } from './follow-redirect.ts';

/** Whether `head` names `known` as the one that it came after at its URL. */
const isParent = ({ parent }: Head, known: Head): boolean =>
  isInstance(parent, known) && parent.generation >= known.generation;

/** Whether `head` says that the store which a process knows by the head `known` has moved on. */
function hasMovedOn(head: Head, known: Head, others: readonly Head[]): boolean {
  const distance = head.generation - known.generation;
  if (head.state !== 'moved' || !isSameStore(head, known) || distance <= 0) return false;
  if (!followsFrom(head, known.generation, headDigest(known))) return false;
  // Further back than a head tells its ancestors, one of both places names the other instance as its parent.
  return distance <= MAX_ANCESTORS || [head, ...others].some((one) => isParent(one, known));
}

async function readAndClose(
  backend: StorageBackend,
  ports: Pick<FollowPorts, 'clock' | 'within'>,
): Promise<ReadHead | undefined> {
  try {
    return await readThere(backend, ports);
  } finally {
    await backend.close().catch(() => undefined);
  }
}

/**
 * Looks for the head that led a store here. It has moved away and come back as another instance, while this process slept. A store that
 * was restored here has none, and is another one.
 *
 * @param here the head that lies at the store URL of this process, of another instance than `known`
 * @returns a head with the state `moved`; `undefined` if no store URL that may be followed says so
 * @throws SecureStoreError what the backends there throw, unless another one says so
 */
export async function findReturn(
  here: Head,
  known: Head,
  moves: MigrationTargets,
  ports: Pick<FollowPorts, 'clock' | 'within'>,
): Promise<Head | undefined> {
  if (hasMovedOn(here, known, [])) return here;
  let failure: unknown;
  for (const url of moves.urls) {
    try {
      const { backend } = await moves.connect(url);
      const there = await readAndClose(backend, ports);
      const head = there?.head;
      if (head?.migration === undefined || !isInstance(head.migration, here)) continue;
      if (hasMovedOn(head, known, [here])) return head;
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      // What is damaged says nothing.
      if (!isDamage(error)) failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}
