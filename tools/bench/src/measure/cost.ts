import { elapsed } from './measure.ts';
import type { Comparison, Contender } from './model.ts';

/** Work whose processor time and wall time are both of interest: the first hardly depends on what else the machine does. */
export interface Cost {
  readonly work: string;
  readonly count: number;
  /** With which exponent its time is to grow with the count. */
  readonly exponent: 0 | 1;
  /** How many operations `run` does. */
  readonly times: number;
  /** Done before each run, without being measured. */
  readonly prepare?: () => Promise<void>;
  readonly run: () => Promise<void>;
}

/** Milliseconds of all processors that this process uses while `work` runs. */
async function processorTime(work: () => Promise<void>): Promise<number> {
  const begun = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

/** Two rows of the same runs: the processor time of an operation, and its wall time. */
export function* costPair({ work, count, exponent, times, prepare, run }: Cost): Generator<Comparison> {
  const walls: number[] = [];
  const ours = { name: 'securestore', role: 'ours' } as const;
  const processor: Contender = {
    ...ours,
    async sample() {
      await prepare?.();
      let wall = 0;
      const spent = await processorTime(async () => {
        wall = await elapsed(run);
      });
      walls.push(wall / times);
      return spent / times;
    },
  };
  const wall: Contender = { ...ours, sample: () => Promise.resolve(walls.shift() ?? Number.NaN) };
  const shared = { unit: 'ms', count, exponent } as const;
  yield { ...shared, work: `${work}, processor time`, contenders: [processor] };
  yield { ...shared, work: `${work}, wall time`, contenders: [wall] };
}
