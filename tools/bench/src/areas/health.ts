import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { numberFrom } from '../measure/child.ts';
import type { Area, Comparison } from '../measure/model.ts';

/** What is looked for is smaller than what two runs differ by. */
const RUNS = 15;
const WORK = ['stores', 'retrieves'] as const;
const PLACES = [
  ['sqlite:', (folder: string) => `sqlite:${join(folder, 'store.db')}`],
  ['memory:', () => 'memory:'],
] as const;

/**
 * Each sample in a process of its own: in one process the calls of both would go through the same functions, which are fastest for the kind
 * of backend that came first.
 */
function compared(
  work: (typeof WORK)[number],
  [scheme, storeUrlIn]: (typeof PLACES)[number],
  count: number,
  scratch: string,
): Comparison {
  const sampleOf = (who: string) => async (): Promise<number> => {
    const folder = await mkdtemp(join(scratch, 'health-'));
    try {
      return await numberFrom('watched-store', [storeUrlIn(folder), work, String(count), who]);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  return {
    work: `${work} on ${scheme}, 64 in flight`,
    unit: 'per second',
    count,
    runs: RUNS,
    contenders: [
      { name: 'securestore, watched', role: 'ours', sample: sampleOf('watched') },
      { name: 'securestore, not watched', role: 'raw', sample: sampleOf('not watched') },
    ],
    targets: [{ bound: 'at least', factor: 0.97, of: 'the raw limit' }],
  };
}

/** The same store with metrics and probes, and without. */
export const health: Area = {
  title: 'The cost of metrics and probes, objects of 1 KiB',
  async *comparisons({ scratch, scale }) {
    const count = Math.max(64, Math.ceil(10_000 * scale));
    for (const place of PLACES) for (const work of WORK) yield compared(work, place, count, scratch);
  },
};
