/* `sealed-stream.ts WHO WORK BYTES`: seals or opens a stream of BYTES in memory whenever it is asked to, and gives the rate in GB/s. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { throughput } from '../measure/measure.ts';
import { createOurs } from '../measure/ours.ts';
import { drain, pieces } from '../measure/pieces.ts';
import { serveSamples } from '../measure/serve-samples.ts';
import { CHUNK, openChunks, sealChunks } from '../raw/chunks.ts';
import { SEALERS } from '../rivals/sealers.ts';
import type { Sealer } from '../rivals/sealers.ts';

const [who = '', work = '', size = ''] = process.argv.slice(2);
const bytes = Number(size);
type Sampler = () => Promise<number>;

const sealer = SEALERS[who];
if (sealer !== undefined) serveSamples(await ofRival(await sealer()));
else serveSamples(who === 'ours' ? await ofOurs() : ofRaw());

/** Reads a stream to its end. */
async function drained(source: AsyncIterable<Uint8Array>): Promise<void> {
  await drain(source);
}

async function ofOurs(): Promise<Sampler> {
  const store = await createOurs('memory:');
  if (work === 'open') {
    await store.store('big', pieces(bytes));
    return () => throughput(bytes, async () => drained((await store.retrieveStream('big')).stream));
  }
  return async () => {
    // The object of the run before, so that memory holds one at a time.
    await store.purge('big');
    return throughput(bytes, async () => void (await store.store('big', pieces(bytes))));
  };
}

async function ofRival(rival: Sealer): Promise<Sampler> {
  if (work === 'seal') return () => throughput(bytes, () => drained(rival.sealStream(pieces(bytes))));
  const sealed: Uint8Array[] = [];
  for await (const piece of rival.sealStream(pieces(bytes))) sealed.push(piece);
  const source = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield* sealed;
  };
  return () => throughput(bytes, () => drained(rival.openStream(source())));
}

function ofRaw(): Sampler {
  const key = createSecretKey(randomBytes(32));
  const chunk = randomBytes(CHUNK);
  if (work === 'seal') return () => throughput(bytes, () => sealChunks(key, chunk, bytes / CHUNK, () => {}));
  const texts: Uint8Array[] = [];
  sealChunks(key, chunk, 1, (text, tag) => texts.push(text, tag));
  const [text = new Uint8Array(), tag = new Uint8Array()] = texts;
  return () => throughput(bytes, () => openChunks(key, text, tag, bytes / CHUNK));
}
