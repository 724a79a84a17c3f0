import { SecureStoreError } from '@securestore/core-format';

/** One byte for the type, four for the length (big-endian). */
const HEADER_BYTES = 5;
/** The longest head or error. Metadata are 64 KiB at most, which JSON may make six times as long. */
const MAX_JSON_BYTES = 512 * 1024;

const TYPES = { head: 0x48, data: 0x44, error: 0x45, end: 0x5a } as const;

function frame(type: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt8(type);
  header.writeUInt32BE(length, 1);
  return header;
}

function jsonFrame(type: number, value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  return Buffer.concat([frame(type, json.length), json]);
}

const END = frame(TYPES.end, 0);

/** A whole message of data that are at hand. */
export function encodeMessage(head: object, data: Uint8Array): Buffer {
  return Buffer.concat([jsonFrame(TYPES.head, head), frame(TYPES.data, data.length), data, END]);
}

/**
 * A message of data that come. What ends them is told in the message where `describe` knows it, and thrown otherwise.
 *
 * @param describe what the other side is told of an error
 */
export async function* encodeStream(
  head: object,
  data: AsyncIterable<Uint8Array>,
  describe?: (error: unknown) => object,
): AsyncGenerator<Uint8Array> {
  yield jsonFrame(TYPES.head, head);
  try {
    for await (const chunk of data) {
      if (chunk.length === 0) continue;
      yield frame(TYPES.data, chunk.length);
      yield chunk;
    }
  } catch (error) {
    if (describe === undefined) throw error;
    yield jsonFrame(TYPES.error, describe(error));
    return;
  }
  yield END;
}

function malformed(what: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `the message in frames ${what}`);
}

/** Reads a message in frames as it comes. */
export class FrameReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #isOpen = true;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<Buffer> {
    const step = await this.#source.next();
    if (step.done === true) throw malformed('ends before its end');
    const { buffer, byteOffset, byteLength } = step.value;
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  async #take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const more = await this.#more();
      parts.push(more);
      have += more.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }

  async #header(): Promise<{ readonly type: number; readonly length: number }> {
    const header = await this.#take(HEADER_BYTES);
    return { type: header.readUInt8(), length: header.readUInt32BE(1) };
  }

  async #json(length: number): Promise<unknown> {
    if (length > MAX_JSON_BYTES) throw malformed(`has a head of over ${MAX_JSON_BYTES} bytes`);
    const bytes = await this.#take(length);
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
    } catch {
      // Without the cause, which quotes it.
      throw malformed('has a head that is not JSON');
    }
  }

  /** What the message begins with. To be asked for first, and once. @throws SecureStoreError `INVALID_ARGUMENT` */
  async head(): Promise<unknown> {
    const { type, length } = await this.#header();
    if (type !== TYPES.head) throw malformed('does not begin with a head');
    return this.#json(length);
  }

  /**
   * The data, to the end of the message.
   *
   * @param failed makes what is thrown of an error that the other side tells
   * @throws SecureStoreError `INVALID_ARGUMENT` for what is no message, or not all of one
   */
  async *data(failed: (told: unknown) => Error): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      for (;;) {
        const { type, length } = await this.#header();
        if (type === TYPES.data) yield* this.#bytes(length);
        else if (type === TYPES.error) throw failed(await this.#json(length));
        else if (type === TYPES.end && length === 0) return await this.#ended();
        else throw malformed('has a frame of an unknown type');
      }
    } finally {
      await this.close();
    }
  }

  /** What comes of a frame, as it comes. */
  async *#bytes(length: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0) this.#rest = await this.#more();
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield new Uint8Array(piece.buffer as ArrayBuffer, piece.byteOffset, piece.byteLength);
    }
  }

  async #ended(): Promise<void> {
    const more = this.#rest.length > 0 || (await this.#source.next()).done !== true;
    if (more) throw malformed('goes on after its end');
  }

  /** Gives up what was not read. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#source.return?.();
  }
}
