import { createSecretKey, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { SecureStore } from 'securestore';
import { elapsed, throughput } from '../measure/measure.ts';
import type { Area, Contender } from '../measure/model.ts';
import { createOurs } from '../measure/ours.ts';
import { drain, pieces } from '../measure/pieces.ts';
import { CHUNK, openChunks, sealChunks } from '../raw/chunks.ts';
import { prepare } from '../rivals/load.ts';
import { awsEncryptionSdk } from '../rivals/sealers.ts';
import type { Sealer } from '../rivals/sealers.ts';

/** The time to have 1 KiB out of the middle of an object of 1 GiB on disk, and the rate at which all of it comes. */
export const range: Area = {
  title: 'An object of 1 GiB, file:',
  async *comparisons({ scratch, scale, absent }) {
    const bytes = Math.max(CHUNK, Math.ceil((2 ** 30 * scale) / CHUNK) * CHUNK);
    const ours = await createOurs(`file:${join(scratch, 'ours')}`);
    await ours.store('big', pieces(bytes));
    const rival = await prepare('AWS Encryption SDK', () => awsEncryptionSdk(randomBytes(32)), absent);
    const sealed = join(scratch, 'aws.sealed');
    if (rival !== undefined) await pipeline(rival.sealStream(pieces(bytes)), createWriteStream(sealed));
    const [part, bare] = [ranging(ours, bytes / 2), await bareChunk(join(scratch, 'chunk.sealed'), bytes)];
    const targets = [{ bound: 'at most', factor: 1, of: 'the raw limit', plus: 5 }] as const;
    yield { work: 'retrieve a range of 1 KiB', unit: 'ms', contenders: [part, bare], targets };
    if (rival !== undefined) {
      // While the rival works, V8 drops the compiled code of the others.
      const contenders = [part, whole(rival, sealed), bare];
      yield { work: 'the same, the first one after seconds of other work', unit: 'ms', contenders, targets };
    }
    const all = async (): Promise<void> => void (await drain((await ours.retrieveStream('big')).stream));
    yield {
      work: 'retrieve all of it',
      unit: 'GB/s',
      contenders: [
        { name: 'securestore', role: 'ours', sample: () => throughput(bytes, all) },
        ...(rival === undefined ? [] : [decrypting(rival, sealed, bytes)]),
      ],
    };
    await ours.close();
  },
};

function ranging(store: SecureStore, start: number): Contender {
  const retrieve = async (): Promise<void> => {
    const { stream } = await store.retrieveStream('big', { start, end: start + 1024 });
    if ((await drain(stream)) !== 1024) throw new Error('The range has the wrong length.');
  };
  return { name: 'securestore', role: 'ours', sample: () => elapsed(retrieve) };
}

async function openAll(rival: Sealer, file: string): Promise<void> {
  await drain(rival.openStream(createReadStream(file)));
}

function whole(rival: Sealer, file: string): Contender {
  const sample = (): Promise<number> => elapsed(() => openAll(rival, file));
  return { name: `${rival.name}, which decrypts all of it`, role: 'rival', sample };
}

function decrypting(rival: Sealer, file: string, bytes: number): Contender {
  return { name: rival.name, role: 'rival', sample: () => throughput(bytes, () => openAll(rival, file)) };
}

async function bareChunk(file: string, bytes: number): Promise<Contender> {
  const key = createSecretKey(randomBytes(32));
  const tags: Uint8Array[] = [];
  await pipeline(async function* () {
    for (let at = 0; at < bytes; at += CHUNK) {
      const sealed: Uint8Array[] = [];
      sealChunks(key, randomBytes(CHUNK), 1, (text, tag) => sealed.push(text, tag));
      if (tags.length === 0) tags.push(...sealed.slice(1));
      yield sealed[0];
    }
  }, createWriteStream(file));
  const [tag = new Uint8Array()] = tags;
  const read = async (): Promise<void> => {
    const handle = await open(file);
    const chunk = new Uint8Array(CHUNK);
    await handle.read(chunk, 0, CHUNK, 0);
    await handle.close();
    openChunks(key, chunk, tag, 1);
  };
  return { name: 'one chunk read and opened', role: 'raw', sample: () => elapsed(read) };
}
