import { createHmac, createSecretKey } from 'node:crypto';
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ContentDigester, DIGEST_BLOCKS, DIGEST_LEAF_BYTES, digestBlock, digestWhole } from '../../src/index.ts';
import { digestKeys } from '../../src/primitives/content-digest.ts';
import { bytesFrom } from '../support/fixtures.ts';

const run = promisify(execFile);
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

  it('lets a few buffers be used in turn for the blocks of a stream', async () => {
    for (const length of [9 * MIB, 40 * MIB + 3]) expect(await digestInTurn(length)).toEqual(expectedOf(length));
  });
});

const PIECE = bytesFrom('piece', 4099);

function fillBlock(block: Buffer, index: number): void {
  block.fill(PIECE);
  block.writeUInt32BE(index);
}

const lengthOf = (block: number, length: number): number => Math.min(MIB, length - block * MIB);

/** The digest of a payload whose blocks lie in {@link DIGEST_BLOCKS} buffers in turn, as a stream's do. */
async function digestInTurn(length: number, digester: ContentDigester = new ContentDigester(keys)): Promise<Buffer> {
  const buffers: Buffer[] = [];
  for (let index = 0; index * MIB < length; index++) {
    const block = (buffers[index % DIGEST_BLOCKS] = digestBlock(index, buffers[index % DIGEST_BLOCKS]));
    fillBlock(block, index);
    await digester.add(block.subarray(0, lengthOf(index, length)));
    // A thread that hashes gets its turn.
    await nextTurn();
  }
  return digester.finish();
}

function expectedOf(length: number): Buffer {
  const leaves: Buffer[] = [];
  const block = Buffer.alloc(MIB);
  for (let index = 0; index * MIB < length; index++) {
    fillBlock(block, index);
    leaves.push(hmac(derived('digest leaf'), block.subarray(0, lengthOf(index, length))));
  }
  return hmac(derived('digest tree'), Buffer.concat(leaves));
}

let threads = 0;
process.on('worker', (thread) => {
  threads += 1;
  thread.once('exit', () => (threads -= 1));
});

const allThreadsEnd = (): Promise<void> => expect.poll(() => threads, { timeout: 60_000 }).toBe(0);

/** The next thread that this process starts. */
const nextThread = (): Promise<Worker> => new Promise((resolve) => process.once('worker', resolve));

/**
 * Whether a digest is computed by a thread that is counted. An earlier file of this process may have left another thread. That one ends
 * after some time without a digest, and the next digest starts one that is counted.
 */
async function usesCountedThread(): Promise<boolean> {
  await digestInTurn(16 * MIB);
  return threads > 0;
}

/** How long the event loop of a thread had work, in milliseconds. */
const hashedFor = (thread: Worker): number => thread.performance.eventLoopUtilization().active;

describe('the thread that hashes long payloads', () => {
  const isAlone = availableParallelism() === 1;
  const reason = isAlone ? ' (skipped: this machine has one processor)' : '';

  beforeAll(async () => {
    if (!isAlone) await vi.waitUntil(usesCountedThread, { interval: 3000, timeout: 100_000 });
  });

  it.skipIf(isAlone)(`hashes while the caller encrypts, and ends when it has nothing to do${reason}`, async () => {
    await allThreadsEnd();
    // If a busy machine stood still for long, the thread would end before it is looked at.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const started = nextThread();
    const digest = digestInTurn(64 * MIB);
    const thread = await started;
    expect(await digest).toEqual(expectedOf(64 * MIB));
    // Longer than it takes to start: a block takes about half a millisecond.
    expect(hashedFor(thread)).toBeGreaterThan(2);
    expect(threads).toBe(1);
    vi.advanceTimersByTime(60_000);
    await allThreadsEnd();
  });

  it.skipIf(isAlone)(`may die at any time: what it has not hashed is hashed by the caller${reason}`, async () => {
    for (const block of [0, 1, 5, 20]) {
      await allThreadsEnd();
      const started = nextThread();
      const digest = digestInTurn(48 * MIB);
      const thread = await started;
      for (let turn = 0; turn < block; turn++) await nextTurn();
      await thread.terminate();
      expect(await digest, `${block} blocks later`).toEqual(expectedOf(48 * MIB));
    }
  });

  it('is not needed: a process that may start no threads hashes itself', async () => {
    const program = `
      import { createSecretKey } from 'node:crypto';
      import { ContentDigester, digestBlock } from '@securestore/crypto';
      import { digestKeys } from ${JSON.stringify(new URL('../../src/primitives/content-digest.ts', import.meta.url).href)};
      const digester = new ContentDigester(digestKeys(createSecretKey(Buffer.from('${secret.toString('hex')}', 'hex'))));
      process.once('worker', () => console.log('a thread'));
      for (let index = 0; index < 24; index++) {
        await digester.add(digestBlock(index).fill(7));
        await new Promise(setImmediate);
      }
      console.log((await digester.finish()).toString('hex'));`;
    const args = ['--permission', '--allow-fs-read=*', '--no-warnings', '--conditions=@securestore/source'];
    const { stdout } = await run(process.execPath, [...args, '--input-type=module', '--eval', program], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
    });
    const leaf = hmac(derived('digest leaf'), Buffer.alloc(MIB, 7));
    const digest = hmac(derived('digest tree'), Buffer.concat(Array.from({ length: 24 }, () => leaf)));
    expect(stdout).toBe(`${digest.toString('hex')}\n`);
  });
});
