import { ByteReader, ByteWriter } from '../bytes/bytes.ts';

const STATES = ['deleting', 'claimed'] as const;

/**
 * What a collection marker says of a blob: `deleting` where its parts are being deleted, so that no record may name it
 * any more; `claimed` where somebody is about to commit a record that names it, so that its parts stay.
 */
export type MarkerState = (typeof STATES)[number];

export function encodeMarker(state: MarkerState): Buffer {
  return new ByteWriter(1).u8(STATES.indexOf(state) + 1).finish();
}

/** @throws SecureStoreError `INTEGRITY` */
export function decodeMarker(bytes: Uint8Array): MarkerState {
  const reader = new ByteReader('the collection marker', bytes);
  const state = STATES[reader.u8() - 1];
  if (state === undefined) return reader.fail('its state is unknown');
  reader.end();
  return state;
}
