import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SourceChange } from './plant.ts';
import type { Orders } from './work.ts';

/** A schedule that broke a promise. */
export interface Failure {
  readonly seed: number;
  readonly violations: readonly string[];
}

/**
 * Runs schedules in a process of their own.
 *
 * @param worker a program that does that by `work`
 * @returns those that broke a promise
 */
async function runWorker(worker: URL, orders: Orders): Promise<Failure[]> {
  return (await linesOf(worker, orders)) as Failure[];
}

/** The lines that a worker prints, each a value in JSON. */
async function linesOf(worker: URL, orders: Orders): Promise<unknown[]> {
  // One thread collects garbage, since the processors are busy with other workers.
  const program = ['--conditions=@securestore/source', '--no-warnings', '--single-threaded-gc', fileURLToPath(worker)];
  const child = spawn(process.execPath, [...program, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: unknown[] = [];
  let complaint = '';
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`a worker of the simulation ended with ${code}: ${complaint}`);
  return lines;
}

/** How many schedules take about as long as the start of a process. */
const WORTH_A_PROCESS = 10;

/**
 * Runs the schedules from 1 to `last`, and `more`, on all processors.
 *
 * @returns those that broke a promise, by seed
 */
export async function runCampaign(worker: URL, last: number, more: readonly number[]): Promise<Failure[]> {
  const others = more.filter((seed) => seed > last);
  const step = Math.min(availableParallelism(), Math.ceil((last + others.length) / WORTH_A_PROCESS));
  const workers = Array.from({ length: step }, (_, index) =>
    runWorker(worker, { range: [1 + index, last, step], seeds: others.filter((_seed, at) => at % step === index) }),
  );
  return (await Promise.all(workers)).flat().toSorted((a, b) => a.seed - b.seed);
}

/**
 * The first schedule that finds a planted bug: one that breaks no promise without it. Looks at as many as may show it.
 */
export async function findBug(worker: URL, bug: SourceChange, schedules: number): Promise<Failure | undefined> {
  for (let first = 1; ;) {
    const [failure] = await runWorker(worker, { range: [first, first + schedules - 1, 1], bug: bug.name });
    if (failure === undefined) return undefined;
    const { seed } = failure;
    if ((await runWorker(worker, { seeds: [seed] })).length === 0) return failure;
    first = seed + 1;
  }
}

/** How many bugs one process plants in turn: what it has loaded for one it does not forget. */
const BUGS_AT_ONCE = 10;

/** Schedules that have shown planted bugs, by the names of the bugs, in a file beside the worker. */
export class KnownSeeds {
  readonly #worker: URL;
  readonly #file: URL;
  readonly #seeds: Readonly<Record<string, number>>;
  readonly #found: Record<string, number> = {};
  /** The schedules of the bugs that are asked for, by their names. */
  readonly #asked: readonly (readonly [name: string, seed: number])[];
  /** Which of these bugs show there. */
  #showing: Promise<ReadonlySet<unknown>> | undefined;

  /** @param bugs those that are asked for */
  constructor(worker: URL, bugs: readonly SourceChange[]) {
    this.#worker = worker;
    this.#file = new URL('known-seeds.json', worker);
    this.#seeds = existsSync(this.#file)
      ? (JSON.parse(readFileSync(this.#file, 'utf8')) as Readonly<Record<string, number>>)
      : {};
    this.#asked = bugs.flatMap(({ name }) => {
      const seed = this.#seeds[name];
      return seed === undefined ? [] : [[name, seed]];
    });
  }

  /** The schedules of the bugs that are asked for: without the bugs they must break no promise. */
  get schedules(): number[] {
    return [...new Set(this.#asked.map(([, seed]) => seed))];
  }

  /** Whether `bug` still shows in the schedule that has shown it before. */
  async stillShows({ name }: SourceChange): Promise<boolean> {
    this.#showing ??= this.#look();
    return (await this.#showing).has(name);
  }

  /** Looks at all bugs that are asked for, on all processors. @returns the names of those that show */
  async #look(): Promise<ReadonlySet<unknown>> {
    const showing = new Set<unknown>();
    const left = [...this.#asked];
    const look = async (): Promise<void> => {
      while (left.length > 0) {
        const some = Object.fromEntries(left.splice(0, BUGS_AT_ONCE));
        for (const name of await linesOf(this.#worker, { known: some })) showing.add(name);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, look));
    return showing;
  }

  /** Notes that `bug` shows in the schedule of `seed` now. */
  note(bug: SourceChange, seed: number): void {
    this.#found[bug.name] = seed;
  }

  /** Keeps what was noted, of `bugs` alone. */
  write(bugs: readonly SourceChange[]): void {
    const all = { ...this.#seeds, ...this.#found };
    const kept = bugs.flatMap(({ name }) => (name in all ? [[name, all[name]]] : []));
    writeFileSync(this.#file, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
  }
}
