import { randomBytes } from 'node:crypto';

const PIECE: Uint8Array = randomBytes(2 ** 20);

/** `bytes` bytes in pieces of 1 MiB; each piece is a copy, so that nobody profits from a warm cache of one. */
export async function* pieces(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.slice(0, Math.min(left, PIECE.length));
}

/** Reads a stream to its end and returns its length in bytes. */
export async function drain(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const piece of stream) length += piece.length;
  return length;
}
