import { isUtf8 } from 'node:buffer';
import { SecureStoreError } from '../errors/errors.ts';

/** The latest time that a `Date` can hold, in milliseconds since 1970. */
export const MAX_TIME = 8_640_000_000_000_000;

/** A `Buffer` over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes big-endian fields one after the other. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  /** @param capacity bytes to start with; it grows as needed. Exact sizes avoid copies of what is written. */
  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): number {
    const start = this.#length;
    const needed = start + count;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, start);
      // It may have held keys.
      this.#buffer.fill(0);
      this.#buffer = grown;
    }
    this.#length = needed;
    return start;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** An integer from 0 to 2⁵³ − 1 in eight bytes. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no integer from 0 to 2^53 - 1`);
    const at = this.#reserve(8);
    this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
    this.#buffer.writeUInt32BE(value % 0x1_0000_0000, at + 4);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** UTF-8 of `length` bytes, the encoded length of `value`. */
  text(value: string, length: number): this {
    const at = this.#reserve(length);
    this.#buffer.write(value, at, length, 'utf8');
    return this;
  }

  /** Bytes whose number the format fixes. */
  fixed(value: Uint8Array, length: number): this {
    if (value.length !== length) throw new RangeError(`${value.length} bytes where the format has ${length}`);
    return this.bytes(value);
  }

  /** Leaves `count` bytes to be filled by others. */
  skip(count: number): this {
    this.#reserve(count);
    return this;
  }

  /** What was written; later writes don't change it. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Begins again in the same memory: what {@link finish} has returned is overwritten. */
  clear(): void {
    this.#length = 0;
  }

  /** Overwrites what was written: for structures that hold keys. */
  wipe(): void {
    this.#buffer.fill(0);
  }
}

/** Reads big-endian fields one after the other; every failure is `INTEGRITY` and names the structure. */
export class ByteReader {
  readonly what: string;
  readonly #bytes: Buffer;
  #at: number;

  /** @param what the structure, for messages: "the record". */
  constructor(what: string, bytes: Uint8Array, at = 0) {
    this.what = what;
    this.#bytes = asBuffer(bytes);
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  fail(reason: string): never {
    throw new SecureStoreError('INTEGRITY', `${this.what} is damaged: ${reason}`);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) this.fail('it ends too early');
    this.#at = at + count;
    return at;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  u53(): number {
    const at = this.#take(8);
    const high = this.#bytes.readUInt32BE(at);
    if (high > 0x1f_ffff) this.fail('a number is over 2^53 - 1');
    return high * 0x1_0000_0000 + this.#bytes.readUInt32BE(at + 4);
  }

  /** Milliseconds since 1970, at most {@link MAX_TIME}. */
  time(): number {
    const time = this.u53();
    if (time > MAX_TIME) this.fail('a time is out of range');
    return time;
  }

  /** Passes over `count` bytes. */
  skip(count: number): this {
    this.#take(count);
    return this;
  }

  /** A view of the next `count` bytes. */
  view(count: number): Buffer {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** A copy of the next `count` bytes, so that it doesn't keep the whole alive. */
  copy(count: number): Buffer {
    return copyOf(this.view(count));
  }

  /** A copy of the next `count` bytes that can be wiped. */
  secret(count: number): Buffer {
    return copySecret(this.view(count));
  }

  /** The next `count` bytes, which must be valid UTF-8. */
  text(count: number): string {
    const view = this.view(count);
    if (!isUtf8(view)) this.fail('text is not UTF-8');
    return view.toString('utf8');
  }

  end(): void {
    if (this.remaining !== 0) this.fail(`${this.remaining} bytes too many`);
  }

  /** Reads and checks magic and format version. @throws `INTEGRITY` on another magic, `FORMAT_VERSION` on another version. */
  magic(expected: string, version: number): void {
    if (this.remaining < 5 || this.view(4).toString('latin1') !== expected) this.fail('it does not begin as one');
    this.version(version);
  }

  /** Reads and checks the version of the structure. @throws `FORMAT_VERSION` on another one */
  version(expected: number): void {
    const found = this.u8();
    if (found !== expected) {
      throw new SecureStoreError(
        'FORMAT_VERSION',
        `${this.what} has format version ${found}, but this release reads version ${expected}`,
        { advice: [{ id: 'use-newer-release' }] },
      );
    }
  }

  zero(reason = 'a reserved byte is not zero'): void {
    if (this.u8() !== 0) this.fail(reason);
  }
}

/** A copy in memory of its own (never in Node's shared pool). */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/**
 * Zeros that can become a secret, and be wiped. Node puts small arrays, and what `Buffer.alloc` gives, into the heap of
 * JavaScript, in which the garbage collector moves them and leaves copies behind.
 */
export function secretBytes(length: number): Buffer<ArrayBuffer> {
  return Buffer.from(new ArrayBuffer(length));
}

/** A copy of a secret that can be wiped. */
export function copySecret(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const copy = secretBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
