import { createSecretKey, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { resident } from '../measure/child.ts';
import type { Resident } from '../measure/child.ts';
import { rate } from '../measure/measure.ts';
import type { Area, Contender } from '../measure/model.ts';
import { bareHeader, bareToken } from '../raw/record.ts';
import { bareSodium, type BareSodium, type NativeSodium } from '../raw/sodium-record.ts';
import { LEAST } from './objects.ts';
import { loadRival, prepare, rivalVersion } from '../rivals/load.ts';

/** What makes `sodium-native` be found, as a user would install it. */
const NATIVE = { NODE_PATH: fileURLToPath(new URL('../../rivals/node_modules', import.meta.url)) };

/** Objects of 1 KiB in memory under each suite, one after the other. */
export const suites: Area = {
  title: 'Suites, objects of 1 KiB, memory:',
  async *comparisons({ scale, absent }) {
    const native = await prepare('sodium-native', async () => rivalVersion('sodium-native'), absent);
    const bare = await prepare(
      'suite 2 on sodium-native alone',
      async () => bareSodium(await loadRival<NativeSodium>('sodium-native')),
      absent,
    );
    const count = Math.ceil(20_000 * scale);
    for (const [work, target] of [
      ['store', 35_000],
      ['retrieve', 45_000],
    ] as const) {
      const inProcess = (name: string, who: 'ours' | 'least', suite: 1 | 2, env = {}): Resident =>
        resident(name, who, 'small-objects', [who, work, String(suite), String(count)], env);
      const residents = [
        ...(native === undefined
          ? []
          : [
              inProcess(`suite 2, sodium-native ${native}`, 'ours', 2, NATIVE),
              inProcess(`${LEAST}, suite 2, sodium-native ${native}`, 'least', 2, NATIVE),
            ]),
        inProcess('suite 2, libsodium-wrappers', 'ours', 2),
        inProcess('suite 1', 'ours', 1),
      ];
      yield {
        work,
        unit: 'per second',
        count,
        contenders: [...residents, ...(bare === undefined ? [] : [bareWork(bare, work, count)])],
        targets: [{ bound: 'at least', factor: target }],
      };
      for (const { end } of residents) end();
    }
  },
};

function bareWork({ seal, open }: BareSodium, work: 'store' | 'retrieve', count: number): Contender {
  const key = createSecretKey(randomBytes(32));
  const header = bareHeader();
  const parent = randomBytes(16);
  const body = randomBytes(1024);
  const record = seal(key, header, body);
  const step = {
    store(index: number) {
      bareToken(key, key, parent, `app/secrets/${index}`);
      seal(key, header, body);
    },
    retrieve: () => open(key, record),
  }[work];
  return {
    name: 'the constructions of suite 2 on sodium-native and node:crypto',
    role: 'raw',
    sample: () =>
      rate(count, () => {
        for (let index = 0; index < count; index += 1) step(index);
      }),
  };
}
