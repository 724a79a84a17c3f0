import { createHash } from 'node:crypto';
import type { RecordHeader } from '@securestore/core-format';
import { noId } from '@securestore/core-format';
import type { RandomSource, RecordKey } from '../../src/index.ts';
import { HmacKey } from '../../src/index.ts';

/** Bytes that look random and are the same in every run. */
export function bytesFrom(seed: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** A repeatable source for tests; no two answers are the same. */
export function repeatableRandom(seed: string): RandomSource {
  let calls = 0;
  return (count) => bytesFrom(`${seed} ${calls++}`, count);
}

export function recordKey(seed: string, suite = 1): RecordKey {
  return { id: bytesFrom(`${seed} id`, 8), suite, secret: new HmacKey(bytesFrom(`${seed} key`, 32)) };
}

export function recordHeader(seed: string, more: Partial<RecordHeader> = {}): RecordHeader {
  return {
    suite: 1,
    kind: 'object',
    lineage: bytesFrom('lineage', 16),
    nameId: bytesFrom(`${seed} name`, 16),
    categoryId: bytesFrom('category', 16),
    version: 1_700_000_000_000_000,
    commitId: bytesFrom(`${seed} commit`, 16),
    previousCommitId: noId(),
    generation: 1,
    ...more,
  };
}

/** A copy of `bytes` with the bits of `mask` flipped at `at`. */
export function flipped(bytes: Uint8Array, at: number, mask = 0xff): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ mask, at);
  return copy;
}
