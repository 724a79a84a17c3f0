import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SourceChange } from './plant.ts';

/** A schedule that broke a promise. */
export interface Failure {
  readonly seed: number;
  readonly violations: readonly string[];
}

/**
 * Runs every `step`-th schedule from `first` to `last` in a process of its own.
 *
 * @param worker a program that does that by `work`
 * @returns those that broke a promise
 */
async function runWorker(
  worker: URL,
  [first, last, step]: readonly [number, number, number],
  bug?: SourceChange,
): Promise<Failure[]> {
  const numbers = [first, last, step].map(String);
  const program = ['--conditions=@securestore/source', '--no-warnings', fileURLToPath(worker)];
  const args = [...program, ...numbers, ...(bug ? [bug.name] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const failures: Failure[] = [];
  let complaint = '';
  createInterface({ input: child.stdout }).on('line', (line) => failures.push(JSON.parse(line) as Failure));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`a worker of the simulation ended with ${code}: ${complaint}`);
  return failures;
}

/** Runs the schedules from `first` to `last` on all processors. @returns those that broke a promise, by seed */
export async function runCampaign(worker: URL, first: number, last: number): Promise<Failure[]> {
  const step = availableParallelism();
  const workers = Array.from({ length: step }, (_, index) => runWorker(worker, [first + index, last, step]));
  return (await Promise.all(workers)).flat().toSorted((a, b) => a.seed - b.seed);
}

/**
 * The first schedule that finds a planted bug: one that breaks no promise without it. Looks at as many as may show it.
 */
export async function findBug(worker: URL, bug: SourceChange, schedules: number): Promise<Failure | undefined> {
  for (let first = 1; ;) {
    const [failure] = await runWorker(worker, [first, first + schedules - 1, 1], bug);
    if (failure === undefined) return undefined;
    const { seed } = failure;
    if ((await runWorker(worker, [seed, seed, 1])).length === 0) return failure;
    first = seed + 1;
  }
}
