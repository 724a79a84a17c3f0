// `read-large.ts <url> <length>`: reads the object "large" as a stream, in a process with nothing else in its heap.
import { FsBackend } from '@securestore/backend-fs';
import { openObjectStore } from '../../src/index.ts';
import { rawKey } from '@securestore/crypto';

const [url = '', length = ''] = process.argv.slice(2);
const backend = new FsBackend();
await backend.init({ url, options: {} });
const store = await openObjectStore({ backend, url, unlock: rawKey(Buffer.alloc(32, 7)), maintenance: false });
const { stream } = await store.retrieveStream('large');
console.log('reading');
let read = 0;
for await (const piece of stream) read += piece.length;
if (read !== Number(length)) throw new Error(`${read} of ${length} bytes were read`);
await store.close();
