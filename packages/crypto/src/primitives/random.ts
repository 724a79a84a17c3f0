import { randomFillSync } from 'node:crypto';

/** Gives `count` unpredictable bytes in a buffer of the caller's own. */
export type RandomSource = (count: number) => Buffer;

const POOL_BYTES = 4096;

/**
 * Random bytes from `node:crypto`, fetched in pools of at most 4 KiB, since a call for 32 bytes costs as much as one
 * for thousands. What is handed out is zeroed in the pool, and nothing is fetched before the first call.
 */
export function randomPool(): RandomSource {
  let pool: Buffer | undefined;
  let at = POOL_BYTES;
  return (count) => {
    if (count > POOL_BYTES / 4) return randomFillSync(Buffer.allocUnsafeSlow(count));
    if (pool === undefined || at + count > POOL_BYTES) {
      pool ??= Buffer.allocUnsafeSlow(POOL_BYTES);
      randomFillSync(pool);
      at = 0;
    }
    const taken = Buffer.allocUnsafe(count);
    // Byte by byte: for so few, calls into the engine cost more.
    for (let index = 0; index < count; index++, at++) {
      taken[index] = pool[at] ?? 0;
      pool[at] = 0;
    }
    return taken;
  };
}
