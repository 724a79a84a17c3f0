import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { SecureStore } from 'securestore';
import { bodies } from '../measure/bodies.ts';
import { inFlight, rate } from '../measure/measure.ts';
import type { Area, Comparison, Contender } from '../measure/model.ts';
import { createOurs } from '../measure/ours.ts';
import { bareTable } from '../raw/sqlite.ts';
import type { BareTable } from '../raw/sqlite.ts';
import { prepare } from '../rivals/load.ts';
import { sqlcipher } from '../rivals/sqlcipher.ts';
import type { CipherTable } from '../rivals/sqlcipher.ts';

const body: () => Uint8Array = bodies();
const GROUP = 64;
const nameOf = (index: number): string => `app/secrets/${index}`;

/** A name that was never used before: stores are measured on new objects. */
let serial = 0;
const newName = (): string => `app/new/${serial++}`;

/** Durable stores and retrieves of 1 KiB on SQLite: WAL, `synchronous` FULL for all. */
export const sqlite: Area = {
  title: 'Objects of 1 KiB, sqlite:',
  async *comparisons({ scratch, scale, absent }) {
    for (const times of [1, 10, 100]) {
      const count = Math.max(GROUP, Math.ceil(640 * times * scale));
      const bare = bareTable(join(scratch, `bare-${times}.db`));
      const cipher = await prepare(
        'SQLCipher',
        () => sqlcipher(join(scratch, `cipher-${times}.db`), randomBytes(32)),
        absent,
      );
      const ours = await createOurs(`sqlite:${join(scratch, `ours-${times}.db`)}`);
      // One at a time is as long as its commits are slow, so the largest count is measured in flight alone.
      if (times < 100) yield storesOneAtATime(count, { ours, cipher, bare });
      yield storesInFlight(count, { ours, bare });
      for (let index = 0; index < count; index += 1) {
        cipher?.put(nameOf(index), body());
        bare.put(nameOf(index), body());
      }
      await inFlight(count, GROUP, (index) => ours.store(nameOf(index), body()));
      yield retrieves(count, { ours, cipher, bare });
      await ours.close();
      cipher?.close();
      bare.close();
    }
  },
};

interface Parties {
  readonly ours: SecureStore;
  readonly cipher?: CipherTable | undefined;
  readonly bare: BareTable;
}

function storesOneAtATime(count: number, { ours, cipher, bare }: Parties): Comparison {
  return {
    work: 'durable stores, one at a time',
    unit: 'per second',
    count,
    contenders: [
      storing(ours, count, 1),
      ...synchronous(cipher?.name, 'rival', count, () => cipher?.put(newName(), body())),
      ...synchronous('node:sqlite, a commit each', 'raw', count, () => bare.put(newName(), body())),
    ],
    targets: [{ bound: 'at least', factor: 1, of: 'the best rival' }],
  };
}

function storesInFlight(count: number, { ours, bare }: Parties): Comparison {
  const group = Array.from({ length: GROUP }, (_, index) => index);
  const commit = (): void => bare.putAll(group.map(() => [newName(), body()] as const));
  const sample = (): Promise<number> =>
    rate(count, () => {
      for (let first = 0; first < count; first += GROUP) commit();
    });
  return {
    work: `durable stores, ${GROUP} in flight`,
    unit: 'per second',
    count,
    contenders: [storing(ours, count, GROUP), { name: `node:sqlite, ${GROUP} a commit`, role: 'raw', sample }],
    targets: [
      { bound: 'at least', factor: 18_000 },
      { bound: 'at least', factor: 0.4, of: 'the raw limit' },
    ],
  };
}

function retrieves(count: number, { ours, cipher, bare }: Parties): Comparison {
  return {
    work: 'retrieves',
    unit: 'per second',
    count,
    contenders: [
      {
        name: 'securestore',
        role: 'ours',
        sample: () => rate(count, () => inFlight(count, 1, (index) => ours.retrieve(nameOf(index)))),
      },
      ...synchronous(cipher?.name, 'rival', count, (index) => cipher?.get(nameOf(index))),
      ...synchronous('node:sqlite', 'raw', count, (index) => bare.get(nameOf(index))),
    ],
    targets: [{ bound: 'at least', factor: 1, of: 'the best rival' }],
  };
}

function storing(store: SecureStore, count: number, width: number): Contender {
  const step = (): Promise<unknown> => store.store(newName(), body());
  return { name: 'securestore', role: 'ours', sample: () => rate(count, () => inFlight(count, width, step)) };
}

function synchronous(
  name: string | undefined,
  role: Contender['role'],
  count: number,
  step: (index: number) => unknown,
): Contender[] {
  if (name === undefined) return [];
  const sample = (): Promise<number> =>
    rate(count, () => {
      for (let index = 0; index < count; index += 1) step(index);
    });
  return [{ name, role, sample }];
}
