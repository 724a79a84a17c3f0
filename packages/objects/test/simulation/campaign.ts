import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SourceChange } from './plant.ts';

/** A schedule that broke a promise. */
export interface Failure {
  readonly seed: number;
  readonly violations: readonly string[];
}

/** Every `step`-th schedule from `first` to `last`, or those of a list. */
type Schedules = readonly [first: number, last: number, step: number] | { readonly seeds: readonly number[] };

/**
 * Runs schedules in a process of their own.
 *
 * @param worker a program that does that by `work`
 * @returns those that broke a promise
 */
async function runWorker(worker: URL, schedules: Schedules, bug?: SourceChange): Promise<Failure[]> {
  const numbers = 'seeds' in schedules ? [schedules.seeds.join(','), '', ''] : schedules.map(String);
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

/** How many schedules take about as long as the start of a process. */
const WORTH_A_PROCESS = 10;

/** Runs the schedules from `first` to `last` on all processors. @returns those that broke a promise, by seed */
export async function runCampaign(worker: URL, first: number, last: number): Promise<Failure[]> {
  const step = Math.min(availableParallelism(), Math.ceil((last - first + 1) / WORTH_A_PROCESS));
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
    if ((await runWorker(worker, { seeds: [seed] })).length === 0) return failure;
    first = seed + 1;
  }
}

/** Schedules that have shown planted bugs, by the names of the bugs, in a file beside the worker. */
export class KnownSeeds {
  readonly #worker: URL;
  readonly #file: URL;
  readonly #seeds: Readonly<Record<string, number>>;
  /** Which of them break a promise without any bug. */
  #unfit: Promise<ReadonlySet<number>> | undefined;
  readonly #found: Record<string, number> = {};
  /** The schedules of the bugs that are asked for. */
  readonly #asked: readonly number[];

  /** @param bugs those that are asked for */
  constructor(worker: URL, bugs: readonly SourceChange[]) {
    this.#worker = worker;
    this.#file = new URL('known-seeds.json', worker);
    this.#seeds = existsSync(this.#file)
      ? (JSON.parse(readFileSync(this.#file, 'utf8')) as Readonly<Record<string, number>>)
      : {};
    this.#asked = [...new Set(bugs.flatMap(({ name }) => this.#seeds[name] ?? []))];
  }

  /** Whether `bug` still shows where it has shown before. */
  async stillShow(bug: SourceChange): Promise<boolean> {
    const seed = this.#seeds[bug.name];
    if (seed === undefined) return false;
    // Those of all bugs at once: most of what one takes is the start of a process.
    this.#unfit ??= runWorker(this.#worker, { seeds: this.#asked }).then(
      (failures) => new Set(failures.map((failure) => failure.seed)),
    );
    if ((await this.#unfit).has(seed)) return false;
    return (await runWorker(this.#worker, { seeds: [seed] }, bug)).length > 0;
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
