import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { decodeHead, encodeHead, HEAD_NAME, joinHead, MAX_ANCESTORS } from '@securestore/core-format';
import { signAs } from '@securestore/crypto';
import { ancestorsAfter } from '../../src/head/ancestry.ts';
import { ownerKeys } from '../../src/head/unlock/owner-keys.ts';
import { HEAD_USE, loadState } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import type { Place } from './places.ts';
import { UNLOCK } from './stores.ts';

/** The head as it lies at a backend. */
export async function headAt(backend: StorageBackend): Promise<Head> {
  const found = await backend.read(HEAD_NAME);
  if (found === undefined) throw new Error('no head');
  return decodeHead(found.body).head;
}

/** A changed head with the ancestors that one of its generation after `head` has. */
export function following(head: Head, changed: Head): Head {
  const distance = changed.generation - head.generation;
  const length = Math.min(Math.max(changed.generation - 1, 0), MAX_ANCESTORS);
  const before = distance > 0 ? ancestorsAfter(head) : head.ancestors;
  const unseen = Array.from({ length: Math.max(distance - 1, 0) }, () => Buffer.alloc(32, 1));
  const known = [...unseen, ...before];
  const ancestors = Array.from({ length }, (_, index) => known[index] ?? Buffer.alloc(32, 2));
  return { ...changed, ancestors };
}

/** Replaces the head by another one, properly signed: what another process of the same store does. */
export async function reviseHead(place: Place, revise: (head: Head) => Head): Promise<void> {
  const backend = await place.open();
  const head = await headAt(backend);
  const { keys } = await loadState(backend, { ...head }, await unlockRoot(head, UNLOCK));
  const signed = encodeHead(following(head, revise(head)));
  await backend.write(HEAD_NAME, joinHead(signed, signAs(ownerKeys({ keys }).identity, HEAD_USE, signed)));
  await backend.close();
}
