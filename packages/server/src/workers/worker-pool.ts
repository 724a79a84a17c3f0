import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { Logger } from 'securestore';
import { knownError } from './channel.ts';
import type { WorkerFailure, WorkerStart } from './messages.ts';
import { startChild } from './start-child.ts';
import type { WorkerOptions } from './worker-options.ts';
import type { WorkerPorts } from './worker-process.ts';
import { WorkerProcess } from './worker-process.ts';

/** How often it is looked whether workers give signs of life, in milliseconds. */
const TICK = 1000;
/** So many ticks without a sign of life end a worker. Fewer would end one that waits for a slow disk. */
const MOST_MISSED = 10;
/** A worker that is not ready after so many ticks is ended, too. */
const STARTS_WITHIN = 120;
/** So many failures to begin, one after the other, end the server. */
const MOST_FAILURES = 5;
/** How long is waited before a worker is replaced that died soon after it began, in milliseconds: twice as long each time. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 30_000;
/** A worker that lived for so long, in milliseconds, has not failed to begin. */
const LIVED = 60_000;
/** How long a change waits for workers to look at it, in milliseconds. */
const REFRESH_WITHIN = 1000;
/** Failures to open the store that may pass: they are retried for as long as the server runs. */
const PASSING: ReadonlySet<string> = new Set<ErrorCode>([
  'UNAVAILABLE',
  'TIMEOUT',
  'THROTTLED',
  'LOCKED',
  'UNLOCK_FAILED',
]);

/** Settings of a pool. */
interface PoolSettings extends Pick<WorkerPorts, 'counts' | 'guesses' | 'secrets' | 'absorb'> {
  readonly options: WorkerOptions;
  readonly start: Omit<WorkerStart, 'number' | 'workers' | 'settings'>;
  readonly closeTimeout: number;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  /** Told if workers cannot begin: the server ends. */
  readonly failed: (error: SecureStoreError) => void;
}

/** A worker that has ended, or could not be started. */
type Ended = Pick<WorkerProcess, 'number' | 'isStopping' | 'wasReady'>;

/** The workers of a server: begun one after the other, and replaced when they die or hang. */
export class WorkerPool {
  readonly #settings: PoolSettings;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #failures = new Map<number, number>();
  readonly #stopping = new AbortController();
  readonly #ended = new Map<number, () => void>();
  #turn = 0;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /** Begins the workers. */
  start(): void {
    void this.#watch();
    void this.#startAll();
  }

  /** One after the other: each may take much memory for a moment, to derive a key from a passphrase. */
  async #startAll(): Promise<void> {
    for (let number = 1; number <= this.#settings.options.count && !this.#stopping.signal.aborted; number++) {
      await this.#begin(number);
    }
  }

  /** Begins a worker. Resolves when it is ready, or has ended. */
  async #begin(number: number): Promise<void> {
    const { options, start, counts, guesses, secrets, absorb, clock, logger } = this.#settings;
    let child: ChildProcess;
    try {
      child = startChild(options);
    } catch (error) {
      this.#replace({ number, isStopping: false, wasReady: false }, knownError(error), 0);
      return;
    }
    const begun = clock.uptime();
    await new Promise<void>((settled) => {
      const worker: WorkerProcess = new WorkerProcess(
        child,
        { ...start, number, workers: options.count, settings: options.settings },
        {
          counts,
          guesses,
          secrets,
          absorb,
          ready: () => {
            logger?.info({ worker: number, pid: worker.pid }, `worker ${number} is ready`);
            settled();
          },
          ended: (failure) => {
            settled();
            this.#replace(worker, failure, clock.uptime() - begun);
          },
        },
      );
      this.#workers.set(number, worker);
    });
  }

  /** @param lived how long the process lived, in milliseconds */
  #replace({ number, isStopping, wasReady }: Ended, failure: WorkerFailure | undefined, lived: number): void {
    this.#workers.delete(number);
    this.#ended.get(number)?.();
    if (isStopping || this.#stopping.signal.aborted) return;
    const { logger, failed, clock } = this.#settings;
    const failures = lived >= LIVED ? 1 : (this.#failures.get(number) ?? 0) + 1;
    this.#failures.set(number, failures);
    const why = failure === undefined ? '' : `: ${failure.message}`;
    const code = failure?.code ?? 'INTERNAL';
    if (failures >= MOST_FAILURES && !wasReady && !PASSING.has(code)) {
      failed(
        new SecureStoreError('UNAVAILABLE', `worker ${number} failed to start ${failures} times${why}`, {
          retryable: false,
        }),
      );
      return;
    }
    logger?.warn({ worker: number, code }, `worker ${number} has ended and is replaced${why}`);
    const wait = failures === 1 ? 0 : Math.min(FIRST_WAIT * 2 ** (failures - 2), LONGEST_WAIT);
    clock.sleep(wait, this.#stopping.signal, { ref: false }).then(
      () => this.#begin(number),
      () => undefined,
    );
  }

  /** Ends workers whose event loop hangs. */
  async #watch(): Promise<void> {
    const { clock, logger } = this.#settings;
    try {
      for (;;) {
        await clock.sleep(TICK, this.#stopping.signal, { ref: false });
        for (const worker of this.#workers.values()) {
          // By ticks, and not by time: a machine that slept has missed none.
          const lost = worker.tick();
          if (lost > 0) logger?.warn({ worker: worker.number, lost }, `worker ${worker.number} has no descriptor left`);
          if (worker.missed < (worker.isReady ? MOST_MISSED : STARTS_WITHIN)) continue;
          logger?.warn({ worker: worker.number }, `worker ${worker.number} gives no sign of life and is ended`);
          worker.kill();
        }
      }
    } catch {
      // The server stops.
    }
  }

  /** Workers that can serve. */
  get #ready(): WorkerProcess[] {
    return [...this.#workers.values()].filter(({ isReady, isStopping }) => isReady && !isStopping);
  }

  get isReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Requests that workers have not answered yet. */
  get running(): number {
    return this.#ready.reduce((sum, { running }) => sum + running, 0);
  }

  /**
   * Hands a connection to the worker that has the fewest.
   *
   * @returns whether there is a worker for it
   */
  give(socket: Socket, closed: () => void): boolean {
    const ready = this.#ready;
    // A worker that may hang gets none, unless there is no other one.
    const lively = ready.filter(({ isLively }) => isLively);
    const candidates = lively.length > 0 ? lively : ready;
    const fewest = Math.min(...candidates.map(({ connections }) => connections));
    const least = candidates.filter(({ connections }) => connections === fewest);
    // They take turns, so that one with short connections has not all of them.
    const chosen = least[this.#turn++ % least.length];
    chosen?.give(socket, closed);
    return chosen !== undefined;
  }

  /** Has all workers look at a change of the store, for a second at most; those that do not manage see it within five. */
  async refresh(): Promise<void> {
    await this.#ask([...this.#workers.values()], (worker) => worker.refresh());
  }

  /** Has all workers tell what they have counted. */
  async report(): Promise<void> {
    await this.#ask(this.#ready, (worker) => worker.report());
  }

  async #ask(workers: readonly WorkerProcess[], one: (worker: WorkerProcess) => Promise<void>): Promise<void> {
    if (workers.length === 0) return;
    const settled = new AbortController();
    const late = this.#settings.clock.sleep(REFRESH_WITHIN, settled.signal, { ref: false }).catch(() => undefined);
    await Promise.race([Promise.allSettled(workers.map(one)), late]);
    settled.abort();
  }

  /** Has the workers end after the requests that they have begun, and ends those that take too long. */
  async stop(): Promise<void> {
    const { clock, closeTimeout } = this.#settings;
    this.#stopping.abort();
    const all = [...this.#workers.values()];
    const ended = Promise.all(
      all.map((worker) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#ended.set(worker.number, resolve);
        worker.stop();
        return promise;
      }),
    );
    const settled = new AbortController();
    const late = clock
      .sleep(closeTimeout + TICK, settled.signal, { ref: false })
      .then(() => all.forEach((worker) => worker.kill()))
      .catch(() => undefined);
    await ended;
    settled.abort();
    await late;
  }
}
