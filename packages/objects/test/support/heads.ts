import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { decodeHead, encodeHead, HEAD_NAME, joinHead } from '@securestore/core-format';
import { signAs } from '@securestore/crypto';
import { HEAD_USE, loadState, unlockRoot } from '../../src/state.ts';
import type { Place } from './places.ts';
import { UNLOCK } from './stores.ts';

/** The head as it lies at a backend. */
export async function headAt(backend: StorageBackend): Promise<Head> {
  const found = await backend.read(HEAD_NAME);
  if (found === undefined) throw new Error('no head');
  return decodeHead(found.body).head;
}

/** Replaces the head by another one, properly signed: what another process of the same store does. */
export async function reviseHead(place: Place, revise: (head: Head) => Head): Promise<void> {
  const backend = await place.open();
  const head = await headAt(backend);
  const { keys } = await loadState(backend, { ...head }, await unlockRoot(head, UNLOCK));
  const signed = encodeHead(revise(head));
  await backend.write(HEAD_NAME, joinHead(signed, signAs(keys.identity, HEAD_USE, signed)));
  await backend.close();
}
