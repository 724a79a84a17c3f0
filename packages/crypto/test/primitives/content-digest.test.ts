import { createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ContentDigester, DIGEST_LEAF_BYTES, digestWhole } from '../../src/index.ts';
import { digestKeys } from '../../src/primitives/content-digest.ts';
import { bytesFrom } from '../support/fixtures.ts';

const MIB = DIGEST_LEAF_BYTES;
const secret = bytesFrom('digest', 32);
const keys = digestKeys(createSecretKey(secret));
const payload = Buffer.alloc(9 * MIB + 7, bytesFrom('payload', 9973));

async function digestOf(length: number): Promise<Buffer> {
  const digester = new ContentDigester(keys);
  for (let at = 0; at < length; at += MIB) await digester.add(payload.subarray(at, Math.min(at + MIB, length)));
  return digester.finish();
}

const hmac = (key: Uint8Array, bytes: Uint8Array): Buffer => createHmac('sha256', key).update(bytes).digest();
const derived = (use: string): Buffer => hmac(secret, Buffer.from(`securestore/1 ${use}\0`));

/** The digest as the specification says it, computed without the code under test. */
function expected(bytes: Buffer): Buffer {
  if (bytes.length <= MIB) return hmac(derived('digest whole'), bytes);
  const leaves: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += MIB)
    leaves.push(hmac(derived('digest leaf'), bytes.subarray(at, at + MIB)));
  return hmac(derived('digest tree'), Buffer.concat(leaves));
}

async function digestBlocks(...lengths: number[]): Promise<Buffer> {
  const digester = new ContentDigester(keys);
  for (const length of lengths) await digester.add(payload.subarray(0, length));
  return digester.finish();
}

describe('the content digest', () => {
  it('[D-01] is one HMAC up to 1 MiB and a tree of one level above, at every boundary', async () => {
    for (const length of [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 5 * MIB, 9 * MIB + 7]) {
      expect(await digestOf(length), `${length} bytes`).toEqual(expected(payload.subarray(0, length)));
    }
  });

  it('[D-01] is the same for a payload in memory and for one that came as a stream', async () => {
    for (const length of [0, 1000, MIB]) {
      expect(digestWhole(keys, payload.subarray(0, length))).toEqual(await digestOf(length));
    }
  });

  it('does not mistake leaves for a payload, or a payload for leaves', async () => {
    const leaves = [0, MIB].map((at) => hmac(derived('digest leaf'), payload.subarray(at, at + MIB)));
    expect(digestWhole(keys, Buffer.concat(leaves))).not.toEqual(await digestOf(2 * MIB));
  });

  it('is another under another key', () => {
    const others = digestKeys(createSecretKey(bytesFrom('other', 32)));
    expect(digestWhole(others, payload.subarray(0, 9))).not.toEqual(digestWhole(keys, payload.subarray(0, 9)));
  });

  it('takes no block of another length than the specification cuts', async () => {
    for (const lengths of [[MIB + 1], [MIB - 1, 1], [MIB, 1, 1], [MIB, 0], [0, 0]]) {
      await expect(digestBlocks(...lengths), lengths.join()).rejects.toMatchObject({ code: 'INTERNAL' });
    }
  });

  it('lets two buffers be used in turn for the blocks of a stream', async () => {
    const buffers = [Buffer.alloc(MIB), Buffer.alloc(MIB)] as const;
    const digester = new ContentDigester(keys);
    for (let block = 0; block < 9; block++) {
      const buffer = buffers[block % 2 === 0 ? 0 : 1];
      payload.copy(buffer, 0, block * MIB);
      await digester.add(buffer);
    }
    expect(await digester.finish()).toEqual(expected(payload.subarray(0, 9 * MIB)));
  });
});
