import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { HealthArea, HeadReading } from '@securestore/objects/internal';
import { rootCodeOf } from '../report/verdict.ts';

/** How often a probe is written, read and removed. */
const ROUNDS = 5;
/** The share of the time for that; the rest is for the head. */
const ROUNDS_SHARE = 0.6;
/** Who does not answer in this share of the time of the rounds hangs. */
const HANGS_AFTER = 0.5;
/** How often the head is read where that fails in a way that may pass. */
const HEAD_TRIES = 3;
/** Where so many calls fail at the beginning, none is tried again. */
const GIVE_UP_AFTER = 4;

const PASSING: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'THROTTLED']);

/** One call of the backend. */
export interface Sample {
  readonly operation: 'write' | 'read' | 'remove' | 'head';
  /** In milliseconds. */
  readonly took: number;
  readonly code?: ErrorCode;
  /** That it did not answer in the time that was left for it, which `took` is: long enough to say that it hangs, or not. */
  readonly givenUp?: 'hangs' | 'too late';
}

/** What a probing of the backend has shown. */
export interface Measurement {
  readonly samples: readonly Sample[];
  /** Whether a probe was other than it was written, or gone. */
  readonly readBack: 'same' | 'other' | 'gone' | 'unknown';
  /** When a probe was written by the backend's clock, the newest, in milliseconds since 1970. */
  readonly modified?: number;
  /** When that write was under way by the clock of this machine. */
  readonly wrote?: { readonly from: number; readonly to: number };
  readonly head?: HeadReading;
  /** When the head was being read by the clock of this machine. */
  readonly asked?: { readonly from: number; readonly to: number };
  /** Why the head could not be read, or followed: `NOT_FOUND` if there is none. */
  readonly headError?: unknown;
}

export interface MeasureOptions {
  readonly signal: AbortSignal;
  /** In milliseconds. */
  readonly budget: number;
  /** A clock in milliseconds that never runs backwards. */
  readonly monotonic: () => number;
}

/** Ends what does not answer; and counts. */
class Prober {
  readonly samples: Sample[] = [];
  /** What the last call that failed met. */
  failure: unknown;
  readonly #clock: Clock;
  readonly #options: MeasureOptions;
  readonly #begun: number;
  /** Whether a call had to be given up. */
  #isHanging = false;

  constructor(clock: Clock, options: MeasureOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#begun = options.monotonic();
  }

  /** How much of a share of the time is left, in milliseconds. */
  left(share = 1): number {
    const { budget, monotonic } = this.#options;
    return Math.max(0, this.#begun + budget * share - monotonic());
  }

  /** Whether there is no time left for another round, or nothing to be gained by it. */
  get isOver(): boolean {
    const begun = this.samples.slice(0, GIVE_UP_AFTER);
    const isDead = begun.length === GIVE_UP_AFTER && begun.every(({ code }) => code !== undefined);
    return this.#isHanging || isDead || this.left(ROUNDS_SHARE) === 0;
  }

  /**
   * @param share of the time, after which it is given up
   * @returns `undefined` if the call failed, or did not answer in time
   */
  async call<T>(
    operation: Sample['operation'],
    share: number,
    body: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly result: T; readonly from: number; readonly to: number } | undefined> {
    const { signal, monotonic } = this.#options;
    const ended = new AbortController();
    const stop = AbortSignal.any([signal, ended.signal]);
    const begun = monotonic();
    const from = this.#clock.now();
    let isGivenUp = false as boolean;
    const late = this.#clock.sleep(this.left(share), ended.signal, { ref: false }).then((): never => {
      isGivenUp = true;
      throw new SecureStoreError('TIMEOUT', `the backend did not answer a ${operation} in time`);
    });
    try {
      const call = body(stop);
      call.catch(() => undefined);
      const result = await Promise.race([call, late]);
      this.samples.push({ operation, took: monotonic() - begun });
      return { result, from, to: this.#clock.now() };
    } catch (error) {
      const code = rootCodeOf(error);
      // What nobody waits for any more tells nothing of the backend.
      if (code === 'ABORTED' && signal.aborted) throw error;
      this.failure = error;
      if (isGivenUp) this.#isHanging = true;
      const took = monotonic() - begun;
      const isHanging = took >= this.#options.budget * ROUNDS_SHARE * HANGS_AFTER;
      this.samples.push({ operation, code, took, ...(isGivenUp && { givenUp: isHanging ? 'hangs' : 'too late' }) });
      return undefined;
    } finally {
      late.catch(() => undefined);
      ended.abort();
    }
  }
}

interface Round extends Pick<Measurement, 'readBack' | 'modified' | 'wrote'> {}

async function round(area: HealthArea, prober: Prober): Promise<Round> {
  const probe = area.probe();
  const written = await prober.call('write', ROUNDS_SHARE, (signal) => probe.write(signal));
  // A write of unknown outcome may have left something; a collection removes it.
  if (written === undefined) return { readBack: 'unknown' };
  const read = prober.isOver ? undefined : await prober.call('read', ROUNDS_SHARE, (signal) => probe.read(signal));
  await prober.call('remove', ROUNDS_SHARE, (signal) => probe.remove(signal));
  if (read === undefined) return { readBack: 'unknown' };
  if (read.result === undefined) return { readBack: 'gone' };
  const { same, modified } = read.result;
  return { readBack: same ? 'same' : 'other', modified, wrote: { from: written.from, to: written.to } };
}

/** Reads the head, more than once where that fails in a way that may pass. */
async function readHead(area: HealthArea, prober: Prober): Promise<Pick<Measurement, 'head' | 'asked' | 'headError'>> {
  for (let tries = 1; ; tries++) {
    const found = await prober.call('head', 1, (signal) => area.readHead(signal));
    if (found?.result !== undefined) return { head: found.result, asked: { from: found.from, to: found.to } };
    if (found !== undefined) return { headError: new SecureStoreError('NOT_FOUND', 'the head does not exist') };
    const { failure } = prober;
    if (tries === HEAD_TRIES || !PASSING.has(rootCodeOf(failure)) || prober.left() === 0) return { headError: failure };
  }
}

/** Only the worst that was read back counts. */
const WORSE: readonly Measurement['readBack'][] = ['unknown', 'same', 'gone', 'other'];

/**
 * Writes, reads and removes probes, and then reads the head.
 *
 * @throws SecureStoreError `ABORTED` where nobody waits any more; what the backend does is in the result
 */
export async function measure(area: HealthArea, options: MeasureOptions): Promise<Measurement> {
  const prober = new Prober(area.clock, options);
  let last: Round = { readBack: 'unknown' };
  for (let rounds = 0; rounds < ROUNDS && !prober.isOver; rounds++) {
    const next = await round(area, prober);
    const isWorse = WORSE.indexOf(next.readBack) > WORSE.indexOf(last.readBack);
    const readBack = isWorse ? next.readBack : last.readBack;
    last = next.modified === undefined ? { ...last, readBack } : { ...next, readBack };
  }
  return { samples: prober.samples, ...last, ...(await readHead(area, prober)) };
}
