import { createHash, createHmac } from 'node:crypto';

/** Bytes that look random and are the same in every run. */
export function bytesFrom(seed: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) => sha256(Buffer.from(`${seed} ${index}`)));
  return Buffer.concat(blocks).subarray(0, length);
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export function hmac256(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  return createHmac('sha256', key).update(Buffer.concat(parts)).digest();
}

/** `label(use)` of the specification. */
export function label(use: string): Buffer {
  return Buffer.from(`securestore/1 ${use}\0`, 'latin1');
}

/** `derive(key, use, context)` of the specification. */
export function derive(key: Uint8Array, use: string, ...context: readonly Uint8Array[]): Buffer {
  return hmac256(key, label(use), ...context);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u53(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** One piece of bytes in the place of another. */
export interface Splice {
  readonly at: number;
  /** How many bytes go. */
  readonly remove: number;
  readonly insert: Buffer;
}

export function spliced(bytes: Uint8Array, { at, remove, insert }: Splice): Buffer {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
}

/** The shortest splice that makes `after` of `before`. */
export function spliceBetween(before: Buffer, after: Buffer): Splice {
  const shorter = Math.min(before.length, after.length);
  let at = 0;
  while (at < shorter && before[at] === after[at]) at++;
  let end = 0;
  while (end < shorter - at && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  return { at, remove: before.length - end - at, insert: after.subarray(at, after.length - end) };
}

/** Makes a faulty structure of a right one; `undefined` leaves it out. */
export type Change = (bytes: Buffer, objects: ReadonlyMap<string, Buffer>) => Buffer | undefined;

/** From the end where `at` is negative. */
const position = (bytes: Buffer, at: number): number => (at < 0 ? bytes.length + at : at);

export const flip =
  (at: number, mask = 1): Change =>
  (bytes) => {
    const changed = Buffer.from(bytes);
    const index = position(bytes, at);
    changed.writeUInt8(changed.readUInt8(index) ^ mask, index);
    return changed;
  };

export const set =
  (at: number, value: Uint8Array | number): Change =>
  (bytes) => {
    const insert = typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value);
    return spliced(bytes, { at: position(bytes, at), remove: insert.length, insert });
  };

/** Leaves out `count` bytes. */
export const drop =
  (at: number, count: number): Change =>
  (bytes) =>
    spliced(bytes, { at: position(bytes, at), remove: count, insert: Buffer.alloc(0) });

export const append =
  (value: Uint8Array): Change =>
  (bytes) =>
    Buffer.concat([bytes, value]);

export const gone: Change = () => undefined;
