import type { KeyObject } from 'node:crypto';
import type { BodyPayload, ObjectBody } from '@securestore/core-format';
import { asBuffer, decodeObjectBody, encodeObjectBody } from '@securestore/core-format';
import { takeKey } from '@securestore/crypto';

/** The payload of an open record. The key of a blob is a key object, which leaves nothing behind when it is dropped. */
export type OpenPayload = BodyPayload<KeyObject>;

/** B of a live object, opened or about to be sealed. */
export type OpenBody = ObjectBody<KeyObject>;

/** Parses an opened B; the key of a blob is wiped in `bytes`. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function openBody(bytes: Uint8Array): OpenBody {
  const body = decodeObjectBody(bytes);
  const { payload } = body;
  if (payload.kind === 'inline') return { ...body, payload };
  return { ...body, payload: { ...payload, key: takeKey(asBuffer(payload.key)) } };
}

/** B in clear; the caller wipes it. */
export function encodeOpenBody(body: OpenBody): Buffer {
  const { payload } = body;
  if (payload.kind === 'inline') return encodeObjectBody({ ...body, payload });
  const key = payload.key.export();
  try {
    return encodeObjectBody({ ...body, payload: { ...payload, key } });
  } finally {
    key.fill(0);
  }
}
