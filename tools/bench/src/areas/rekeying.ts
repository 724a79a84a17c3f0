import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { RotationDepth, SecureStore } from 'securestore';
import { bodies } from '../measure/bodies.ts';
import { inFlight, rate } from '../measure/measure.ts';
import type { Area, Contender } from '../measure/model.ts';
import { loadOurs } from '../measure/ours.ts';
import { bareTable } from '../raw/sqlite.ts';
import type { BareTable } from '../raw/sqlite.ts';

const body: () => Uint8Array = bodies();
const GROUP = 128;
const nameOf = (index: number): string => `app/secrets/${index}`;

/** A store and the raw key that opens it now. */
interface Keyed {
  readonly store: SecureStore;
  key: Buffer;
}

/** Bringing objects of 1 KiB under new keys, beside sealing them again and beside rewriting as many rows. */
export const rekeying: Area = {
  title: 'Re-keying objects of 1 KiB, sqlite:',
  async *comparisons({ scratch, scale }) {
    for (const times of [1, 10, 100]) {
      const count = Math.ceil(1000 * times * scale);
      const keyed = await createKeyed(`sqlite:${join(scratch, `ours-${times}.db`)}`);
      const bare = bareTable(join(scratch, `bare-${times}.db`));
      await inFlight(count, 64, (index) => keyed.store.store(nameOf(index), body()));
      for (let index = 0; index < count; index += 1) bare.put(nameOf(index), body());
      // Of 100,000 objects, that alone takes longer than everything else.
      const rivals =
        times === 100 ? [] : [rotating('sealing every object again (depth data)', 'rival', keyed, 'data', count)];
      yield {
        // Without the six seconds in which all processes follow, and without the census afterwards.
        work: 're-key every object',
        unit: 'per second',
        count,
        contenders: [rotating('securestore', 'ours', keyed, 'keys', count), ...rivals, rewriting(bare, count)],
        targets: [{ bound: 'at least', factor: 15_000 }],
      };
      await keyed.store.close();
      bare.close();
    }
  },
};

async function createKeyed(url: string): Promise<Keyed> {
  const { createStore, rawKey } = await loadOurs();
  const key = randomBytes(32);
  return { store: await createStore(url, { unlock: rawKey(key) }), key };
}

function rotating(name: string, role: Contender['role'], keyed: Keyed, depth: RotationDepth, count: number): Contender {
  return {
    name,
    role,
    async sample() {
      const next = randomBytes(32);
      const job = keyed.store.rotateEncryptionKey(keyed.key, next, { depth });
      let begun = 0;
      let ended = 0;
      for await (const { phase } of job.progress) {
        if (begun === 0 && phase === 're-keying') begun = performance.now();
        if (ended === 0 && phase === 'counting') ended = performance.now();
      }
      const { failed, rotated } = await job;
      if (failed > 0 || rotated !== count) throw new Error(`${rotated} of ${count} objects were re-keyed.`);
      keyed.key = next;
      return count / ((ended - begun) / 1000);
    },
  };
}

function rewriting(bare: BareTable, count: number): Contender {
  const rewrite = (): void => {
    for (let first = 0; first < count; first += GROUP) {
      const names = Array.from({ length: Math.min(GROUP, count - first) }, (_, index) => nameOf(first + index));
      bare.putAll(
        names.map((name) => {
          bare.get(name);
          return [name, body()] as const;
        }),
      );
    }
  };
  return { name: `node:sqlite, ${GROUP} rows a commit`, role: 'raw', sample: () => rate(count, rewrite) };
}
