import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '../state/clock.ts';
import type { Counters } from '../state/state.ts';
import { isCount } from '../state/json.ts';
import { MAX_PHASE } from '../state/state.ts';
import type { JobProgress, ProgressUpdate } from '../state/types.ts';

/** What the rate is taken over, in milliseconds. */
const WINDOW = 10_000;
/** Samples closer together than this, in milliseconds, would add nothing. */
const SAMPLE_EVERY = 250;

const COUNT = 'a whole number from 0';

interface Sample {
  readonly at: number;
  readonly done: number;
}

/** How many items there are, if that is known: items that were added since make an earlier count too small. */
function knownTotal(total: number | undefined, done: number): number | undefined {
  return total === undefined || done > total ? undefined : total;
}

function invalid(option: keyof ProgressUpdate, rule: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the option "${option}" of a job's progress must be ${rule}`, {
    option,
  });
}

/** Counts what is done, for any number of readers. */
export class ProgressFeed implements AsyncIterable<JobProgress> {
  readonly #clock: Clock;
  #phase: string;
  #done = 0;
  #total: number | undefined;
  #bytes = 0;
  /** When the phase is to be done, by the clock that never runs backwards. */
  #planned: number | undefined;
  #samples: Sample[] = [];
  #revision = 0;
  #ended = false;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(clock: Clock, phase: string) {
    this.#clock = clock;
    this.#phase = phase;
    this.#restartRate();
  }

  get counters(): Counters {
    this.#sample();
    const counters = { phase: this.#phase, done: this.#done, bytes: this.#bytes };
    const total = knownTotal(this.#total, this.#done);
    return total === undefined ? counters : { ...counters, total };
  }

  /** Continues from what an earlier run counted. */
  restore({ phase, done, total, bytes }: Counters): void {
    this.#phase = phase;
    this.#done = done;
    this.#total = total;
    this.#bytes = bytes;
    this.#planned = undefined;
    this.#restartRate();
    this.#changed();
  }

  update({ phase, total, done, bytes, eta }: ProgressUpdate): void {
    const begins = phase !== undefined && phase !== this.#phase;
    if (begins) this.#beginPhase(phase);
    if (total !== undefined) {
      if (!isCount(total)) invalid('total', COUNT);
      this.#total = total;
    }
    if (done !== undefined) this.#done += isCount(done) ? done : invalid('done', COUNT);
    if (bytes !== undefined) this.#bytes += isCount(bytes) ? bytes : invalid('bytes', COUNT);
    if (eta !== undefined) {
      if (!Number.isFinite(eta) || eta < 0) invalid('eta', 'a number of milliseconds from 0');
      this.#planned = this.#clock.uptime() + eta;
    }
    // What is reported as a phase begins was done before, so it must not count for the rate.
    if (begins) this.#restartRate();
    this.#changed();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobProgress, undefined, undefined> {
    let seen = -1;
    for (;;) {
      if (this.#revision !== seen) {
        seen = this.#revision;
        yield this.#now();
      } else if (this.#ended) {
        return undefined;
      } else {
        this.#waiting ??= Promise.withResolvers();
        await this.#waiting.promise;
      }
    }
  }

  #beginPhase(phase: string): void {
    if (typeof phase !== 'string' || phase === '' || phase.length > MAX_PHASE) {
      invalid('phase', `a text of 1 to ${MAX_PHASE} characters`);
    }
    this.restore({ phase, done: 0, bytes: 0 });
  }

  #changed(): void {
    this.#revision++;
    if (this.#waiting !== undefined) this.#wake();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #restartRate(): void {
    this.#samples = [{ at: this.#clock.uptime(), done: this.#done }];
  }

  /** The oldest sample kept is the last one outside the window, so that the rate falls while nothing happens. */
  #sample(): void {
    const at = this.#clock.uptime();
    if (at - (this.#samples.at(-1)?.at ?? 0) >= SAMPLE_EVERY) this.#samples.push({ at, done: this.#done });
    const first = this.#samples.findLastIndex((sample) => sample.at <= at - WINDOW);
    if (first > 0) this.#samples.splice(0, first);
  }

  #now(): JobProgress {
    const { counters } = this;
    const [oldest] = this.#samples;
    const elapsed = oldest === undefined ? 0 : this.#clock.uptime() - oldest.at;
    const rate = oldest === undefined || elapsed <= 0 ? 0 : ((counters.done - oldest.done) / elapsed) * 1000;
    // Who can't keep to the plan goes as fast as it can.
    const planned = (this.#planned ?? 0) - this.#clock.uptime();
    if (planned > 0) return { ...counters, rate, eta: planned };
    if (counters.total === undefined || rate === 0) return { ...counters, rate };
    return { ...counters, rate, eta: ((counters.total - counters.done) / rate) * 1000 };
  }
}
