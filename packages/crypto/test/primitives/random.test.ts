import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomPool } from '../../src/index.ts';

/** The buffers that were filled with random bytes. */
const pools: Buffer[] = [];
const { randomFillSync } = crypto;

beforeAll(() => {
  crypto.randomFillSync = ((buffer: Buffer) => {
    pools.push(buffer);
    return randomFillSync(buffer);
  }) as typeof randomFillSync;
  syncBuiltinESMExports();
});

afterAll(() => {
  crypto.randomFillSync = randomFillSync;
  syncBuiltinESMExports();
});

describe('the random pool', () => {
  it('takes nothing before the first call', () => {
    pools.length = 0;
    const random = randomPool();
    expect(pools).toHaveLength(0);
    random(1);
    expect(pools).toHaveLength(1);
  });

  it('never gives the same bytes twice, through many pools', () => {
    const random = randomPool();
    const seen = new Set<string>();
    for (let call = 0; call < 2000; call++)
      seen.add(
        random(8 + (call % 25))
          .toString('hex')
          .slice(0, 16),
      );
    expect(seen.size).toBe(2000);
  });

  it('gives buffers of their own, of the length that was asked for', () => {
    const random = randomPool();
    const first = random(32);
    const copy = Buffer.from(first);
    const second = random(32);
    second.fill(0);
    expect(first).toEqual(copy);
    for (const count of [0, 1, 1024, 1025, 4096, 4097, 100_000]) expect(random(count)).toHaveLength(count);
  });

  it('holds at most 4 KiB, and zeroes what it has given', () => {
    const random = randomPool();
    pools.length = 0;
    random(16);
    random(1000);
    const [pool = Buffer.alloc(0)] = pools;
    expect(pool).toHaveLength(4096);
    expect(pool.subarray(0, 1016).every((byte) => byte === 0)).toBe(true);
    // 3080 random bytes: that 8 in a row are zero happens once in 10^15 runs.
    expect(pool.subarray(1016).indexOf(Buffer.alloc(8))).toBe(-1);
  });
});
