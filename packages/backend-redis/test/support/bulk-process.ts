// A process of its own that moves much through a store and looks at its memory: `bulk-process.ts <url> <job> <count>`.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openStore, rawKey } from 'securestore';
import type { SecureStore } from 'securestore';

const [url = '', job = '', count = '0'] = process.argv.slice(2);
const MIB = 2 ** 20;
/** What a stream may take beyond what the idle process has. */
const STREAM_BYTES = 150 * MIB;
/** What a listing may hold at a time: a few pages of a thousand names, where all of 100,000 would be 12 MiB and more. */
const LISTING_BYTES = 6 * MIB;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const open = async (): Promise<SecureStore> =>
  openStore(url, { unlock: rawKey(Buffer.alloc(32, 7)), create: true, maintenance: false });

function held(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const nameOf = (index: number): string => `names/of some length/${String(index).padStart(7, '0')}`;

/** Lists so many names, each once, and holds few of them at a time. */
async function names(total: number): Promise<void> {
  await using store = await open();
  for (let first = 0; first < total; first += 1000) {
    const indexes = Array.from({ length: Math.min(1000, total - first) }, (_, index) => first + index);
    await store.storeMany(indexes.map((index) => ({ key: nameOf(index), data: '' })));
  }
  const idle = held();
  const seen = new Uint8Array(total);
  let listed = 0;
  let most = 0;
  for await (const key of store.keys('names/')) {
    const index = Number(key.slice(-7));
    assert.equal(key, nameOf(index));
    assert.equal(seen[index], 0, `${key} is listed twice`);
    seen[index] = 1;
    listed += 1;
    if (listed % 5000 === 0) most = Math.max(most, held() - idle);
  }
  assert.equal(listed, total);
  assert.ok(most < LISTING_BYTES, `a listing holds ${most} bytes`);
}

/** Chunks that differ, made of little randomness, and their digest. */
function source(bytes: number): { chunks: AsyncGenerator<Buffer>; digest: () => string } {
  const hash = createHash('sha256');
  const block = randomBytes(MIB);
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let sent = 0; sent < bytes; sent += MIB) {
      block.writeDoubleLE(sent, 0);
      const chunk = Buffer.from(block.subarray(0, Math.min(MIB, bytes - sent)));
      hash.update(chunk);
      yield chunk;
    }
  }
  return { chunks: chunks(), digest: () => hash.digest('hex') };
}

/** One object of so many bytes, in and out. */
async function stream(bytes: number): Promise<void> {
  await using store = await open();
  // What the first calls load is no memory of the stream.
  await store.store('small', randomBytes(MIB));
  await store.retrieve('small');
  collectGarbage();
  const idle = process.memoryUsage.rss();
  let most = 0;
  const looking = setInterval(() => (most = Math.max(most, process.memoryUsage.rss() - idle)), 10);
  const { chunks, digest } = source(bytes);
  const { size } = await store.store('large', chunks);
  assert.equal(size, bytes);
  const hash = createHash('sha256');
  for await (const chunk of (await store.retrieveStream('large')).stream) hash.update(chunk);
  assert.equal(hash.digest('hex'), digest());
  clearInterval(looking);
  assert.ok(most < STREAM_BYTES, `a stream of ${bytes} bytes took ${Math.round(most / MIB)} MiB`);
  process.stdout.write(`${Math.round(most / MIB)} MiB over idle\n`);
}

const jobs: Readonly<Record<string, (count: number) => Promise<void>>> = { names, stream };
const chosen = jobs[job];
assert.ok(chosen, `there is no job ${job}`);
await chosen(Number(count));
