import type { Duplex } from 'node:stream';
import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { knownError } from './channel.ts';

/** The longest name of a secret, and the longest answer, in bytes. */
const MAX_NAME = 255;
const MAX_ANSWER = 4 * 1024 * 1024;
/** The most parts of a secret. */
const MAX_PARTS = 255;

const ANSWERED = 0;
const FAILED = 1;

/** Takes exactly as many bytes from a stream as are asked for, and wipes what it took them from. */
class ExactReader {
  #wanted: { readonly into: Buffer; at: number; readonly resolve: (into: Buffer) => void } | undefined;
  #reject: ((error: Error) => void) | undefined;
  #left: Buffer[] = [];
  #isEnded = false;

  constructor(stream: Duplex) {
    stream.on('data', (chunk: Buffer) => {
      this.#left.push(chunk);
      this.#take();
    });
    const end = (): void => {
      this.#isEnded = true;
      for (const chunk of this.#left) chunk.fill(0);
      this.#left = [];
      this.#wanted?.into.fill(0);
      this.#reject?.(ended());
    };
    stream.once('close', end).once('end', end).on('error', end);
  }

  read(length: number): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#wanted = { into: Buffer.alloc(length), at: 0, resolve };
    this.#reject = reject;
    this.#take();
    if (this.#isEnded && this.#wanted !== undefined) reject(ended());
    return promise;
  }

  #take(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    for (let [chunk] = this.#left; chunk !== undefined && wanted.at < wanted.into.length; [chunk] = this.#left) {
      const taken = chunk.copy(wanted.into, wanted.at);
      chunk.fill(0, 0, taken);
      wanted.at += taken;
      if (taken === chunk.length) this.#left.shift();
      else this.#left[0] = chunk.subarray(taken);
    }
    if (wanted.at < wanted.into.length) return;
    this.#wanted = this.#reject = undefined;
    wanted.resolve(wanted.into);
  }
}

function ended(): SecureStoreError {
  return new SecureStoreError('UNAVAILABLE', 'the server that the worker belongs to has ended', { retryable: false });
}

/** Writes bytes, and wipes them when they were passed on. */
function sendAndWipe(stream: Duplex, bytes: Buffer): void {
  stream.write(bytes, () => void bytes.fill(0));
}

/** Writes the parts of a secret as an answer, and wipes them. @throws SecureStoreError `TOO_LARGE` */
function answerOf(parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + 4 + part.byteLength, 1);
  if (parts.length > MAX_PARTS || length > MAX_ANSWER) {
    for (const part of parts) part.fill(0);
    throw new SecureStoreError('TOO_LARGE', `a secret must have at most ${MAX_PARTS} parts, and ${MAX_ANSWER} bytes`);
  }
  const answer = Buffer.alloc(5 + length);
  answer.writeUInt8(ANSWERED);
  answer.writeUInt32BE(length, 1);
  answer.writeUInt8(parts.length, 5);
  let at = 6;
  for (const part of parts) {
    answer.writeUInt32BE(part.byteLength, at);
    answer.set(part, at + 4);
    at += 4 + part.byteLength;
    part.fill(0);
  }
  return answer;
}

function failureOf(error: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(knownError(error)));
  const head = Buffer.alloc(5);
  head.writeUInt8(FAILED);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
}

/**
 * Gives a worker the secrets that it asks for, until the stream ends. They are bytes that pass through nothing but the stream, an anonymous
 * pipe between the two processes, and both sides wipe them.
 *
 * @param secrets gives fresh copies, which are wiped
 */
export async function giveSecrets(
  stream: Duplex,
  secrets: (name: string) => Promise<readonly Uint8Array[]>,
): Promise<void> {
  const reader = new ExactReader(stream);
  try {
    for (;;) {
      const [length = 0] = await reader.read(1);
      const name = (await reader.read(length)).toString('latin1');
      sendAndWipe(stream, await secrets(name).then(answerOf).catch(failureOf));
    }
  } catch {
    // The worker has ended.
  }
}

function partsOf(answer: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 1; parts.length < (answer[0] ?? 0);) {
    const end = at + 4 + answer.readUInt32BE(at);
    parts.push(Buffer.from(answer.subarray(at + 4, end)));
    at = end;
  }
  answer.fill(0);
  return parts;
}

/** Asks the process of the server for secrets, one after the other. */
export class SecretReader {
  readonly #stream: Duplex;
  readonly #reader: ExactReader;
  #last: Promise<unknown> = Promise.resolve();

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#reader = new ExactReader(stream);
  }

  /** Fresh copies of the parts of a secret, which the caller wipes. @throws SecureStoreError what the server throws */
  read(name: string): Promise<Buffer[]> {
    const reading = this.#last.then(() => this.#read(name));
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  async #read(name: string): Promise<Buffer[]> {
    const bytes = Buffer.from(name, 'latin1').subarray(0, MAX_NAME);
    this.#stream.write(Buffer.concat([Buffer.of(bytes.length), bytes]));
    const head = await this.#reader.read(5);
    const length = head.readUInt32BE(1);
    if (length > MAX_ANSWER) throw new SecureStoreError('TOO_LARGE', `a secret must have at most ${MAX_ANSWER} bytes`);
    const answer = await this.#reader.read(length);
    if (head[0] === ANSWERED) return partsOf(answer);
    const { code, message } = JSON.parse(answer.toString('utf8')) as { code: ErrorCode; message: string };
    throw new SecureStoreError(code, message);
  }
}
