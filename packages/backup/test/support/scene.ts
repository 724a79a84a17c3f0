import type { RunHooks, RunReport, Schedule, ScheduledRun } from '../../src/schedule/index.ts';
import { runSchedules } from '../../src/schedule/index.ts';
import { Process, SharedStorage, World } from './processes.ts';

export const SECOND = 1000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const START: number = Date.UTC(2026, 0, 1, 12);

export const HOURLY: Schedule<string> = { id: 'hourly', cron: '0 * * * *', since: START, task: 'backup' };

interface Begun {
  readonly at: number;
  readonly occurrence: number;
  readonly attempt: number;
  readonly by: string;
}

/** Several processes, and what they have done. */
export class Scene {
  readonly world = new World(START);
  readonly storage: SharedStorage;
  readonly begun: Begun[] = [];
  readonly reports: RunReport<string>[] = [];
  readonly failures: string[] = [];
  schedules: Schedule<string>[] = [HOURLY];
  work: (process: Process, run: ScheduledRun<string>, signal: AbortSignal) => Promise<void> = (
    { clock },
    _run,
    signal,
  ) => clock.sleep(10 * MINUTE, signal);

  constructor(tellsTime = true) {
    this.storage = new SharedStorage(this.world, { tellsTime });
  }

  process(skew = 0): Process {
    return new Process(this.world, this.storage, skew);
  }

  options(process: Process, name: string, hooks: RunHooks<string> = {}): Parameters<typeof runSchedules<string>>[0] {
    return {
      schedules: async () => this.schedules,
      state: process.storage,
      clock: process.clock,
      name,
      run: async (_schedule, run, signal) => {
        const { occurrence, attempt } = run;
        this.begun.push({ at: this.world.time, occurrence, attempt, by: name });
        await this.work(process, run, signal);
      },
      hooks: {
        ...hooks,
        after: async (report) => {
          this.reports.push(report);
          await hooks.after?.(report);
        },
        failed: (error) => this.failures.push(error instanceof Error ? error.message : String(error)),
      },
    };
  }

  /** Starts a process that runs the schedules. */
  start(name: string, { skew = 0, signal }: { skew?: number; signal?: AbortSignal } = {}): Process {
    const process = this.process(skew);
    void runSchedules({ ...this.options(process, name), signal });
    return process;
  }

  async pass(milliseconds: number): Promise<void> {
    await this.world.until(this.world.time + milliseconds);
  }

  get occurrences(): number[] {
    return this.begun.map(({ occurrence }) => (occurrence - START) / HOUR);
  }

  get ends(): string[] {
    return this.reports.map(({ end, error }) => error ?? end);
  }
}

/** What a promise comes to while time passes. */
export async function whilePassing<T>(scene: Scene, milliseconds: number, promise: Promise<T>): Promise<T> {
  const settled = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await scene.pass(milliseconds);
  const end = await Promise.race([settled, Promise.resolve('not yet' as const)]);
  if (end === 'not yet') throw new Error('not settled');
  if ('error' in end) throw end.error;
  return end.value;
}
