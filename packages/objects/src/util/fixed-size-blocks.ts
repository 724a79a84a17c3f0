import { asBuffer } from '@securestore/core-format';

/**
 * Cuts a stream into blocks of `size` bytes; only the last is shorter, and only an empty stream has an empty one.
 *
 * Two buffers are used in turn: a block stays as it is until the block after the next is asked for.
 */
export async function* blocksOfSize(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let current: Buffer = Buffer.allocUnsafeSlow(size);
  let spare: Buffer | undefined;
  let filled = 0;
  let yielded = false;
  for await (const given of source) {
    let rest = asBuffer(given);
    while (rest.length > 0) {
      const count = Math.min(rest.length, size - filled);
      rest.copy(current, filled, 0, count);
      filled += count;
      rest = rest.subarray(count);
      if (filled < size) continue;
      yield current;
      yielded = true;
      [current, spare] = [spare ?? Buffer.allocUnsafeSlow(size), current];
      filled = 0;
    }
  }
  if (filled > 0 || !yielded) yield current.subarray(0, filled);
}
