import type { AuditLink } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { AuditLine, Sink, SinkStart } from './sink.ts';
import type { Loss, SinkAlert, SinkStats } from './sink-queue.ts';
import { SinkQueue } from './sink-queue.ts';
import { within } from './within.ts';

const DEFAULT_TIMEOUT = 5000;
const DEFAULT_QUEUE = 10_000;

export interface SinkOptions {
  readonly sink: Sink;
  /** With `false` the mode `fail-closed` does not wait for it. Default `true`. */
  readonly mandatory?: boolean | undefined;
  /** How long a write may take, in milliseconds. Default 5,000. */
  readonly timeout?: number | undefined;
  /** How many entries may wait; further ones are lost for this sink. Default 10,000. */
  readonly queue?: number | undefined;
}

interface Output {
  readonly queue: SinkQueue;
  readonly sink: Sink;
  readonly mandatory: boolean;
  readonly timeout: number;
}

/** What the sinks of a log need of it. */
export interface OutputsContext {
  readonly clock: Clock;
  /** What each is told first. */
  readonly start: Omit<SinkStart, 'notice'>;
  /** Is called when there may be room for more lines, or nobody is to wait for it any more. */
  readonly moved: () => void;
  /** Is told what the log should say of itself. */
  readonly trouble: (reason: string) => void;
  readonly alert: (alert: SinkAlert) => void;
}

/** What sinks find of earlier segments; a sink that doesn't answer finds nothing. */
export async function tipsOf(sinks: readonly SinkOptions[], clock: Clock): Promise<AuditLink[]> {
  const found = await Promise.all(
    sinks.map(async ({ sink, timeout = DEFAULT_TIMEOUT }) => {
      let tips: readonly AuditLink[] = [];
      const looking = Promise.try(() => sink.tips?.()).then(
        (links = []) => void (tips = links),
        () => undefined,
      );
      await within(looking, timeout, clock);
      return tips;
    }),
  );
  return found.flat();
}

/** The sinks that a log is written to, and how far each of them has it. */
export class Outputs {
  readonly #context: OutputsContext;
  readonly #outputs: readonly Output[];
  readonly #mandatory: readonly Output[];
  /** Ends of batches that not every mandatory sink has. */
  readonly #ends: AuditLink[] = [];
  #written: AuditLink | undefined;

  constructor(sinks: readonly SinkOptions[], context: OutputsContext) {
    this.#context = context;
    this.#outputs = sinks.map((given) => {
      const output = this.#output(given);
      const notice = (what: string): void => this.#notice(output.queue, given.sink.name, what);
      given.sink.start({ ...context.start, notice });
      return output;
    });
    this.#mandatory = this.#outputs.filter(({ mandatory }) => mandatory);
  }

  /** How far every mandatory sink has the log without a hole. */
  get written(): AuditLink | undefined {
    this.#moveOn();
    return this.#written;
  }

  /** @throws SecureStoreError `UNAVAILABLE` if a mandatory sink takes no entries now */
  checkReady(): void {
    const failing = this.#mandatory.find(({ queue }) => queue.stats.state !== 'ok');
    if (failing === undefined) return;
    const { name, code } = failing.queue.stats;
    throw new SecureStoreError('UNAVAILABLE', `audit sink ${name} takes no entries now (${code}). Nothing was done.`);
  }

  get stats(): SinkStats[] {
    return this.#outputs.map(({ queue }) => queue.stats);
  }

  /** Whether a sink that works has so much to write that what comes can wait itself. @param more lines that are not here yet */
  areFilling(more: number): boolean {
    return this.#outputs.some(({ queue }) => queue.isFilling(more));
  }

  /**
   * Hands lines to all sinks.
   *
   * @param end how far the log goes with them
   * @param waiters are told when all mandatory sinks have them, or one can't take them
   */
  push(lines: readonly AuditLine[], end: AuditLink, waiters: readonly PromiseWithResolvers<void>[]): void {
    this.#moveOn();
    // Where a sink has a hole already, it will never have all of what follows.
    const mayBeWhole = this.#mandatory.length > 0 && this.#mandatory.every(({ queue }) => queue.stats.lost === 0);
    if (mayBeWhole) this.#ends.push(end);
    let open = this.#mandatory.length;
    const settle = (error?: SecureStoreError): void => {
      open--;
      for (const { resolve, reject } of waiters) {
        if (error !== undefined) reject(error);
        else if (open === 0) resolve();
      }
    };
    for (const { queue, mandatory } of this.#outputs) {
      queue.push(lines, mandatory && waiters.length > 0 ? settle : undefined);
    }
  }

  /** Writes what waits, and closes them. @returns the names of mandatory sinks that have not got everything, or could not be closed in time */
  async close(): Promise<string[]> {
    const failed = await Promise.all(this.#outputs.map((output) => this.#end(output)));
    return failed.filter((name) => name !== undefined);
  }

  #moveOn(): void {
    const reached = Math.min(...this.#mandatory.map(({ queue }) => queue.reached));
    const passed = this.#ends.findIndex(({ count }) => count > reached);
    const behind = this.#ends.splice(0, passed < 0 ? this.#ends.length : passed);
    this.#written = behind.at(-1) ?? this.#written;
  }

  #output({ sink, mandatory = true, timeout = DEFAULT_TIMEOUT, queue: bound = DEFAULT_QUEUE }: SinkOptions): Output {
    const { clock, alert, moved, trouble } = this.#context;
    const afterLoss = (name: string, { count, first, last }: Loss): void =>
      trouble(`sink ${name} did not get ${count} entries, from ${first} to ${last}`);
    const queue = new SinkQueue({ sink, clock, timeout, bound, alert, moved, afterLoss });
    return { queue, sink, mandatory, timeout };
  }

  #notice(queue: SinkQueue, name: string, what: string): void {
    queue.notice(what);
    this.#context.trouble(`sink ${name}: ${what}`);
  }

  /** @returns the name of a mandatory sink that has not got everything */
  async #end({ queue, sink, mandatory, timeout }: Output): Promise<string | undefined> {
    await queue.drain();
    let closed = false;
    const closing = Promise.try(() => sink.close()).then(
      () => void (closed = true),
      () => undefined,
    );
    await within(closing, timeout, this.#context.clock);
    return mandatory && (queue.stats.lost > 0 || !closed) ? sink.name : undefined;
  }
}
