import type { KeyObject } from 'node:crypto';
import type { Head } from '@securestore/core-format';
import { decodeHead, encodeHead, joinHead, SecureStoreError } from '@securestore/core-format';
import { signAs } from '@securestore/crypto';
import { HEAD_USE } from './store-state.ts';

/**
 * The body of a head that the store is to have from now on. It takes the place of the only other one, so it is read first: what
 * no reader takes would lock all out for good.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if no reader would take it, such as for a slot that can't be; `TOO_LARGE`
 */
export function signedHead(head: Head, identity: KeyObject): Buffer {
  const signed = encodeHead(head);
  const body = joinHead(signed, signAs(identity, HEAD_USE, signed));
  const reason = reasonToRefuse(head, signed, body);
  if (reason === undefined) return body;
  throw new SecureStoreError('INVALID_ARGUMENT', `the head of the store would be unreadable: ${reason}`);
}

function reasonToRefuse(head: Head, signed: Buffer, body: Buffer): string | undefined {
  try {
    const read = decodeHead(body).head;
    // An unknown slot can be neither opened nor removed, and keeps the root key from being renewed.
    const isSame = read.slots.every((slot, at) => 'raw' in slot === 'raw' in (head.slots[at] ?? {}));
    return isSame && encodeHead(read).equals(signed) ? undefined : 'reading gives another head';
  } catch (error) {
    if (SecureStoreError.is(error)) return error.message;
    throw error;
  }
}
