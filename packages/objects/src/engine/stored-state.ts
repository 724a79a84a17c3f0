import type { StoredState } from '@securestore/jobs';
import type { DamagedObject, SystemObject } from './sealed-objects.ts';

/**
 * What lies at the backend, as a state. A damaged one is empty: nobody can go on from it, and it can be replaced.
 *
 * @param stateIn what of the plaintext is the state
 */
export function storedState(
  found: SystemObject | DamagedObject,
  stateIn: (plaintext: Buffer) => Uint8Array,
): StoredState {
  const { etag, modified, now } = found;
  const state = 'plaintext' in found ? stateIn(found.plaintext) : new Uint8Array();
  return now === undefined ? { state, etag, modified } : { state, etag, modified, now };
}
