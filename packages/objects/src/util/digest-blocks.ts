import { asBuffer } from '@securestore/core-format';
import { DIGEST_BLOCKS, DIGEST_LEAF_BYTES, digestBlock } from '@securestore/crypto';

/**
 * Cuts a stream into the blocks of a content digest; only the last is shorter, and only an empty stream has an empty one.
 *
 * A few buffers are used in turn: a block stays as it is until {@link DIGEST_BLOCKS} later ones have been asked for.
 */
export async function* digestBlocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const buffers: Buffer[] = [];
  let index = 0;
  const next = (): Buffer => (buffers[index % DIGEST_BLOCKS] = digestBlock(index, buffers[index % DIGEST_BLOCKS]));
  let current = next();
  let filled = 0;
  for await (const given of source) {
    let rest = asBuffer(given);
    while (rest.length > 0) {
      const count = Math.min(rest.length, DIGEST_LEAF_BYTES - filled);
      rest.copy(current, filled, 0, count);
      filled += count;
      rest = rest.subarray(count);
      if (filled < DIGEST_LEAF_BYTES) continue;
      yield current;
      index += 1;
      current = next();
      filled = 0;
    }
  }
  if (filled > 0 || index === 0) yield current.subarray(0, filled);
}
