import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Started } from '../measure/child.ts';
import { started } from '../measure/child.ts';
import type { Area, Comparison, Contender } from '../measure/model.ts';
import { oursAt } from '../raw/served-objects.ts';
import { confine, confineFamily, processorTimeOf } from '../measure/processors.ts';
import { load } from '../raw/http-load.ts';

const WIDTH = 16;

/** Processors of the server and of the load. */
interface Placing {
  readonly name: string;
  readonly server: string;
  readonly load: string;
}
const PLACINGS: readonly Placing[] = [
  { name: 'server on one processor, load on the other', server: '0', load: '1' },
  { name: 'server and load on both', server: '0,1', load: '0,1' },
];

/** Rates and processor times of a server of one process, and of one with two workers, for each placing. */
async function* rowsOf(
  kind: 'write' | 'read',
  servers: readonly (readonly [name: string, server: Started])[],
  count: number,
): AsyncGenerator<Comparison> {
  for (const placing of PLACINGS) {
    const spent = new Map<string, number[]>(servers.map(([name]) => [name, []]));
    const rates = servers.map(([name, server]): Contender => ({
      name,
      role: 'ours',
      async sample() {
        await confineFamily(server.pid, placing.server);
        await confine(process.pid, placing.load);
        const before = await processorTimeOf(server.pid);
        const { rate } = await load(oursAt(name, server)[kind], count, WIDTH);
        spent.get(name)?.push(((await processorTimeOf(server.pid)) - before) / count);
        return rate;
      },
    }));
    yield { work: `${kind}s: ${placing.name}`, unit: 'per second', contenders: rates };
    const costs = servers.map(([name]): Contender => ({
      name,
      role: 'ours',
      sample: () => Promise.resolve(spent.get(name)?.shift() ?? Number.NaN),
    }));
    yield { work: `${kind}s: ${placing.name}, processor time of the server`, unit: 'ms', contenders: costs };
  }
}

/** A server that has one processor, and one that has two. */
export const cores: Area = {
  title: `A server on one processor and on two, sqlite:, 1 KiB, ${WIDTH} requests at once`,
  async *comparisons({ scale, scratch, absent }) {
    if (process.platform !== 'linux' || availableParallelism() < 2) {
      absent({ name: 'placing on processors', reason: 'it needs Linux and two processors' });
      return;
    }
    const count = Math.max(WIDTH, Math.ceil(4000 * scale));
    const program = new URL('../programs/served-store.ts', import.meta.url);
    const alone = await started(program, `sqlite:${join(scratch, 'one.db')}`);
    const several = await started(program, `sqlite:${join(scratch, 'two.db')}`, '2');
    try {
      const servers = [
        ['securestore, one process', alone],
        ['securestore, two workers', several],
      ] as const;
      for (const kind of ['write', 'read'] as const) yield* rowsOf(kind, servers, count);
    } finally {
      for (const { end } of [alone, several]) end();
    }
  },
};
