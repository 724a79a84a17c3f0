/*
 * `read-large.ts URL LENGTH`: reads the object "large" as a stream, in a process with nothing else in its heap.
 * `read-large.ts URL LENGTH RANGES`: reads so many ranges of 1 KiB, each with 16 MiB more outside the heap than the one before.
 */
import { FsBackend } from '@securestore/backend-fs';
import { openObjectStore } from '../../src/index.ts';
import { rawKey } from '@securestore/crypto';

const [url = '', length = '', ranges = '0'] = process.argv.slice(2);
const backend = new FsBackend();
await backend.init({ url, options: {} });
const store = await openObjectStore({ backend, url, unlock: rawKey(Buffer.alloc(32, 7)), maintenance: false });

async function read(expected: number, range?: { readonly start: number; readonly end: number }): Promise<void> {
  const { stream } = await store.retrieveStream('large', range);
  let bytes = 0;
  for await (const piece of stream) bytes += piece.length;
  if (bytes !== expected) throw new Error(`${bytes} of ${expected} bytes were read`);
}

console.log('reading');
const held: Buffer[] = [];
for (let index = 0; index < Number(ranges); index += 1) {
  held.push(Buffer.alloc(16 * 1024 * 1024));
  await read(1024, { start: index * 1024, end: (index + 1) * 1024 });
}
if (held.length === 0) await read(Number(length));
await store.close();
