import { createSecretKey, randomBytes } from 'node:crypto';
import type { SecureStore } from 'securestore';
import { throughput } from '../measure/measure.ts';
import type { Area, Contender, Target } from '../measure/model.ts';
import { createOurs } from '../measure/ours.ts';
import { drain, pieces } from '../measure/pieces.ts';
import { CHUNK, openChunks, sealChunks } from '../raw/chunks.ts';
import type { Sealer } from '../rivals/sealers.ts';
import { sealers } from './objects.ts';

/** The best rival is the AWS Encryption SDK, which stores nothing and makes no digest. */
const targets = (factor: number): readonly Target[] => [
  { bound: 'at least', factor, of: 'the best rival' },
  { bound: 'at least', factor: 0.75, of: 'the raw limit' },
];

/** Sealing and opening a stream of 1 GiB in memory. */
export const stream: Area = {
  title: 'A stream of 1 GiB, memory:',
  async *comparisons({ scale, absent }) {
    const bytes = Math.max(CHUNK, Math.ceil((2 ** 30 * scale) / CHUNK) * CHUNK);
    const rivals = await sealers({ absent });
    const ours = await createOurs('memory:');
    yield {
      work: 'seal',
      unit: 'GB/s',
      contenders: [
        mine(() => sealOurs(ours, bytes)),
        ...rivals.map((rival) => sealRival(rival, bytes)),
        bareSeal(bytes),
      ],
      targets: targets(1),
    };
    yield {
      work: 'open',
      unit: 'GB/s',
      contenders: [
        mine(() => throughput(bytes, async () => void (await drain((await ours.retrieveStream('big')).stream)))),
        ...(await Promise.all(rivals.map((rival) => openRival(rival, bytes)))),
        bareOpen(bytes),
      ],
      targets: targets(1.2),
    };
    await ours.close();
  },
};

function mine(sample: () => Promise<number>): Contender {
  return { name: 'securestore', role: 'ours', sample };
}

/** The object of the run before is purged first, outside the measured time, so that memory holds one at a time. */
async function sealOurs(store: SecureStore, bytes: number): Promise<number> {
  await store.purge('big');
  return throughput(bytes, async () => void (await store.store('big', pieces(bytes))));
}

function sealRival(rival: Sealer, bytes: number): Contender {
  return {
    name: rival.name,
    role: 'rival',
    sample: () => throughput(bytes, async () => void (await drain(rival.sealStream(pieces(bytes))))),
  };
}

async function openRival(rival: Sealer, bytes: number): Promise<Contender> {
  const sealed: Uint8Array[] = [];
  for await (const piece of rival.sealStream(pieces(bytes))) sealed.push(piece);
  const source = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield* sealed;
  };
  return {
    name: rival.name,
    role: 'rival',
    sample: () => throughput(bytes, async () => void (await drain(rival.openStream(source())))),
  };
}

const RAW_NAME = 'AES-256-GCM at 64 KiB on node:crypto';

function bareSeal(bytes: number): Contender {
  const key = createSecretKey(randomBytes(32));
  const chunk = randomBytes(CHUNK);
  const sample = (): Promise<number> => throughput(bytes, () => sealChunks(key, chunk, bytes / CHUNK, () => {}));
  return { name: RAW_NAME, role: 'raw', sample };
}

function bareOpen(bytes: number): Contender {
  const key = createSecretKey(randomBytes(32));
  const texts: Uint8Array[] = [];
  sealChunks(key, randomBytes(CHUNK), 1, (text, tag) => texts.push(text, tag));
  const [text = new Uint8Array(), tag = new Uint8Array()] = texts;
  return {
    name: RAW_NAME,
    role: 'raw',
    sample: () => throughput(bytes, () => openChunks(key, text, tag, bytes / CHUNK)),
  };
}
