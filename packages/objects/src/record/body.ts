import type { KeyObject } from 'node:crypto';
import type { BodyPayload, ObjectBody } from '@securestore/core-format';
import { asBuffer, decodeObjectBody, encodeObjectBody } from '@securestore/core-format';
import { takeKey } from '@securestore/crypto';

/** The payload of an open record. The key of a blob is a key object, which leaves nothing behind when it is dropped. */
export type OpenPayload = BodyPayload<KeyObject>;

/** B of a live object, opened or about to be sealed. */
export type OpenBody = ObjectBody<KeyObject>;

/** The same body with what holds the key of its blob converted, if it has one; as it is where the payload is in it. */
function withKey<K, L>(body: ObjectBody<K>, convert: (key: K) => L): ObjectBody<L> {
  const { payload } = body;
  // No body that has no blob has a key: nothing of it is of the type that differs.
  if (payload.kind === 'inline') return body as ObjectBody<never>;
  return { ...body, payload: { ...payload, key: convert(payload.key) } };
}

/** Parses an opened B; the key of a blob is wiped in `bytes`. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function openBody(bytes: Uint8Array): OpenBody {
  return withKey(decodeObjectBody(bytes), (key) => takeKey(asBuffer(key)));
}

/** B in clear; the caller wipes it. */
export function encodeOpenBody(body: OpenBody): Buffer {
  const exported = withKey(body, (key) => key.export());
  try {
    return encodeObjectBody(exported);
  } finally {
    if (exported.payload.kind === 'blob') exported.payload.key.fill(0);
  }
}
