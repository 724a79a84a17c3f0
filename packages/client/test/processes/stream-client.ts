import { createHash } from 'node:crypto';
import process from 'node:process';
import { openRemoteStore } from '../../src/index.ts';

// Stores and retrieves as many bytes as it is told, as streams, and says how much memory that took at most.
const [url = '', token = '', length = '0'] = process.argv.slice(2);
const MIB = 1024 * 1024;

function chunkAt(at: number): Buffer {
  const chunk = Buffer.alloc(MIB, at % 251);
  chunk.writeUInt32BE(at);
  return chunk;
}

const hash = createHash('sha256');
async function* source(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < Number(length) / MIB; at++) {
    const chunk = chunkAt(at);
    hash.update(chunk);
    yield chunk;
  }
}

const store = await openRemoteStore(url, { credentials: { token } });
const idle = process.memoryUsage.rss();
const { size } = await store.store('large', source());
const again = createHash('sha256');
const { stream } = await store.retrieveStream('large');
for await (const chunk of stream) again.update(chunk);
await store.close();
const same = hash.digest('hex') === again.digest('hex');
process.send?.({ size, same, idle, peak: process.resourceUsage().maxRSS * 1024 }, () => process.exit());
