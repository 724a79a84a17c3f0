import { createSecretKey, randomBytes } from 'node:crypto';
import type { SecureStore } from 'securestore';
import { inFlight, rate } from '../measure/measure.ts';
import type { Area, Contender, Surroundings } from '../measure/model.ts';
import { createOurs } from '../measure/ours.ts';
import { bareHeader, bareToken, openBare, sealBare } from '../raw/record.ts';
import { prepare } from '../rivals/load.ts';
import { age, awsEncryptionSdk } from '../rivals/sealers.ts';
import type { Sealer } from '../rivals/sealers.ts';

const BODY: Uint8Array = randomBytes(1024);
const METADATA = { owner: 'ops' };
const nameOf = (index: number): string => `app/secrets/${index}`;

/** Sealing and opening objects of 1 KiB one after the other, on one core and without a disk. */
export const objects: Area = {
  title: 'Objects of 1 KiB, memory:',
  async *comparisons(surroundings) {
    const rivals = await sealers(surroundings);
    for (const times of [1, 10, 100]) {
      const count = Math.ceil(1000 * times * surroundings.scale);
      const others = times === 1;
      yield {
        work: 'seal and store',
        unit: 'per second',
        count,
        contenders: [
          storing(count),
          ...(others ? rivals.map((rival) => sealing(rival, Math.ceil(count / 4))) : []),
          bareSealing(count),
        ],
        targets: [
          { bound: 'at least', factor: 0.6, of: 'the raw limit' },
          ...(others ? [{ bound: 'at least', factor: 13, of: 'the best rival' } as const] : []),
        ],
      };
      const ours = await createOurs('memory:');
      for (let index = 0; index < count; index += 1) await ours.store(nameOf(index), BODY, { metadata: METADATA });
      yield {
        work: 'retrieve and open',
        unit: 'per second',
        count,
        contenders: [
          retrieving(ours, count),
          ...(others ? await Promise.all(rivals.map((rival) => opening(rival, Math.ceil(count / 4)))) : []),
          bareOpening(count),
        ],
        targets: [
          { bound: 'at least', factor: 0.65, of: 'the raw limit' },
          ...(others ? [{ bound: 'at least', factor: 13, of: 'the best rival' } as const] : []),
        ],
      };
      await ours.close();
    }
  },
};

export async function sealers({ absent }: Pick<Surroundings, 'absent'>): Promise<Sealer[]> {
  const rivals = [
    await prepare('AWS Encryption SDK', () => awsEncryptionSdk(randomBytes(32)), absent),
    await prepare('age-encryption', age, absent),
  ];
  return rivals.filter((rival) => rival !== undefined);
}

/** New objects: each sample has a store of its own. */
function storing(count: number): Contender {
  const sample = async (): Promise<number> => {
    const store = await createOurs('memory:');
    const step = (index: number): Promise<unknown> => store.store(nameOf(index), BODY, { metadata: METADATA });
    const result = await rate(count, () => inFlight(count, 1, step));
    await store.close();
    return result;
  };
  return { name: 'securestore', role: 'ours', sample };
}

function retrieving(store: SecureStore, count: number): Contender {
  const step = (index: number): Promise<unknown> => store.retrieve(nameOf(index));
  return { name: 'securestore', role: 'ours', sample: () => rate(count, () => inFlight(count, 1, step)) };
}

function sealing(rival: Sealer, count: number): Contender {
  const step = (): Promise<unknown> => rival.seal(BODY);
  return { name: rival.name, role: 'rival', sample: () => rate(count, () => inFlight(count, 1, step)) };
}

async function opening(rival: Sealer, count: number): Promise<Contender> {
  const sealed = await rival.seal(BODY);
  const step = (): Promise<unknown> => rival.open(sealed);
  return { name: rival.name, role: 'rival', sample: () => rate(count, () => inFlight(count, 1, step)) };
}

function bareSealing(count: number): Contender {
  const key = createSecretKey(randomBytes(32));
  const header = bareHeader();
  const parent = randomBytes(16);
  return {
    name: 'the format’s constructions on node:crypto',
    role: 'raw',
    sample: () =>
      rate(count, () => {
        for (let index = 0; index < count; index += 1) {
          bareToken(key, key, parent, nameOf(index));
          sealBare(key, header, BODY);
        }
      }),
  };
}

function bareOpening(count: number): Contender {
  const key = createSecretKey(randomBytes(32));
  const record = sealBare(key, bareHeader(), BODY);
  return {
    name: 'the format’s constructions on node:crypto',
    role: 'raw',
    sample: () =>
      rate(count, () => {
        for (let index = 0; index < count; index += 1) openBare(key, record);
      }),
  };
}
