import { tracingChannel } from 'node:diagnostics_channel';
import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import type { StorageBackend } from '../contract/contract.ts';
import { forwardTo } from './forward.ts';
import { sentBytes, type BackendOperation, type Layer } from './intercept.ts';
import { BACKEND_CHANNEL, tracingLayer } from './tracing.ts';

/**
 * Upper bounds of the buckets of durations, in seconds: those that the semantic conventions of OpenTelemetry advise for
 * clients of databases.
 */
export const DURATION_BOUNDS: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** So many of the last calls are remembered one by one. */
const RECENT = 1024;

/** What ends a call that the backend has answered as it should: somebody came first, or nobody waits for it any more. */
const NO_FAILURES: ReadonlySet<ErrorCode> = new Set([
  'CONFLICT',
  'ABORTED',
  'INVALID_ARGUMENT',
  'UNSUPPORTED',
  'TOO_LARGE',
]);

/** All calls of one operation that ended in one way, since the meter was made. */
export interface CallFigures {
  readonly operation: BackendOperation;
  /** The error that they ended with; absent for those that succeeded. */
  readonly code?: ErrorCode;
  readonly count: number;
  /** How long they took together, in seconds. */
  readonly seconds: number;
  /** How many took at most as long as each of {@link DURATION_BOUNDS}, and not the one before; last, those that took longer. */
  readonly buckets: readonly number[];
}

/** What a meter has counted since it was made. */
export interface MeterFigures {
  readonly calls: readonly CallFigures[];
  /** Bytes of all bodies. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Attempts that were repeated, by the error of the one before. */
  readonly retries: ReadonlyMap<ErrorCode, number>;
}

/** What has happened lately. */
export interface RecentCalls {
  readonly calls: number;
  /** Calls that failed for good, by their errors; what only met somebody else's change is none. */
  readonly failures: ReadonlyMap<ErrorCode, number>;
  /** Attempts that were repeated, by the error of the one before. */
  readonly retries: ReadonlyMap<ErrorCode, number>;
}

/** One call that has ended. */
export interface MeteredCall {
  readonly backend: string;
  readonly operation: BackendOperation;
  readonly code?: ErrorCode;
  readonly seconds: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Counts the calls of a backend, and how long they take. */
export interface Meter {
  /** Goes around everything else, retries too. It also publishes what {@link tracingLayer} does. */
  readonly layer: Layer;
  /** For the option `onRetry` of `retryLayer`. */
  readonly onRetry: (error: unknown) => void;
  readonly figures: MeterFigures;
  /** Adds calls that another process has counted, for a program with several. They count as having ended now. */
  absorb(figures: MeterFigures): void;
  /** @param milliseconds how far back; at most about the last thousand calls are known */
  recent(milliseconds: number): RecentCalls;
  /** Has `listener` told of every call from now on; it must not throw. @returns what ends that */
  onCall(listener: (call: MeteredCall) => void): () => void;
}

/** The code of an error; `INTERNAL` for one that has none. */
function codeOf(error: unknown): ErrorCode {
  return SecureStoreError.is(error) ? error.code : 'INTERNAL';
}

interface Counts {
  readonly operation: BackendOperation;
  readonly code: ErrorCode | undefined;
  count: number;
  seconds: number;
  readonly buckets: number[];
}

/** The last events, each with its time and, where it is a failure, its code. */
class Ring {
  readonly #times = new Float64Array(RECENT).fill(-Infinity);
  readonly #codes: (ErrorCode | undefined)[] = Array.from({ length: RECENT });
  #next = 0;

  add(time: number, code: ErrorCode | undefined): void {
    this.#times[this.#next] = time;
    this.#codes[this.#next] = code;
    this.#next = (this.#next + 1) % RECENT;
  }

  addMany(time: number, code: ErrorCode | undefined, count: number): void {
    for (let left = Math.min(count, RECENT); left > 0; left--) this.add(time, code);
  }

  /** The time of the oldest that is remembered, where others were forgotten; else before all times. */
  get oldest(): number {
    return this.#times[this.#next] ?? -Infinity;
  }

  since(time: number): { readonly count: number; readonly codes: ReadonlyMap<ErrorCode, number> } {
    const codes = new Map<ErrorCode, number>();
    let count = 0;
    for (const [at, code] of this.#codes.entries()) {
      if ((this.#times[at] ?? -Infinity) < time) continue;
      count += 1;
      if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    return { count, codes };
  }
}

class BackendMeter implements Meter {
  readonly #now: () => number;
  readonly #calls = new Map<string, Counts>();
  readonly #succeeded = new Map<BackendOperation, Counts>();
  readonly #retries = new Map<ErrorCode, number>();
  readonly #recent = new Ring();
  readonly #recentRetries = new Ring();
  readonly #listeners = new Set<(call: MeteredCall) => void>();
  #sent = 0;
  #received = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly layer: Layer = (inner) => {
    const channel = tracingChannel(BACKEND_CHANNEL);
    const traced = tracingLayer(this.#now)(inner);
    // Nobody pays for what nobody listens to.
    const target = (): StorageBackend => (channel.hasSubscribers ? traced : inner);
    const { name: backend } = inner;
    return forwardTo(inner, {
      // What `init` makes of a backend, such as whether it has batches, both have to know.
      init: async (config) => traced.init(config),
      read: (key, options) =>
        this.#track(backend, 'read', 0, target().read(key, options), (found) => found?.body.byteLength ?? 0),
      write: (key, body, options) =>
        this.#track(backend, 'write', body?.byteLength ?? 0, target().write(key, body, options)),
      delete: (key, options) => this.#track(backend, 'delete', 0, target().delete(key, options)),
      list: (prefix, options) => this.#track(backend, 'list', 0, target().list(prefix, options)),
      batch: (operations, options) =>
        this.#track(
          backend,
          'batch',
          sentBytes(operations),
          target().batch?.(operations, options) ?? Promise.resolve([]),
        ),
      deleteMany: (keys, options) =>
        this.#track(backend, 'deleteMany', 0, target().deleteMany?.(keys, options) ?? Promise.resolve()),
    });
  };

  #track<T>(
    backend: string,
    operation: BackendOperation,
    sent: number,
    call: Promise<T>,
    received: (result: T) => number = () => 0,
  ): Promise<T> {
    const began = this.#now();
    return call.then(
      (result) => {
        this.#ended(backend, operation, undefined, began, sent, received(result));
        return result;
      },
      (error: unknown) => {
        this.#ended(backend, operation, codeOf(error), began, sent, 0);
        throw error;
      },
    );
  }

  #ended(
    backend: string,
    operation: BackendOperation,
    code: ErrorCode | undefined,
    began: number,
    sent: number,
    received: number,
  ): void {
    const now = this.#now();
    const seconds = Math.max(0, now - began) / 1000;
    const counts = this.#countsOf(operation, code);
    counts.count += 1;
    counts.seconds += seconds;
    let bucket = 0;
    while (seconds > (DURATION_BOUNDS[bucket] ?? Infinity)) bucket += 1;
    counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
    this.#sent += sent;
    this.#received += received;
    this.#recent.add(now, code !== undefined && NO_FAILURES.has(code) ? undefined : code);
    if (this.#listeners.size === 0) return;
    const call = { backend, operation, seconds, sentBytes: sent, receivedBytes: received, ...(code && { code }) };
    for (const listener of this.#listeners) listener(call);
  }

  #countsOf(operation: BackendOperation, code: ErrorCode | undefined): Counts {
    const known = code === undefined ? this.#succeeded.get(operation) : this.#calls.get(`${operation} ${code}`);
    if (known !== undefined) return known;
    const buckets = Array.from({ length: DURATION_BOUNDS.length + 1 }, () => 0);
    const counts: Counts = { operation, code, count: 0, seconds: 0, buckets };
    this.#calls.set(`${operation} ${code ?? ''}`, counts);
    if (code === undefined) this.#succeeded.set(operation, counts);
    return counts;
  }

  readonly onRetry = (error: unknown): void => {
    const code = codeOf(error);
    this.#retries.set(code, (this.#retries.get(code) ?? 0) + 1);
    this.#recentRetries.add(this.#now(), code);
  };

  get figures(): MeterFigures {
    const calls = [...this.#calls.values()].map(({ operation, code, count, seconds, buckets }) => ({
      operation,
      ...(code !== undefined && { code }),
      count,
      seconds,
      buckets: [...buckets],
    }));
    return { calls, sentBytes: this.#sent, receivedBytes: this.#received, retries: new Map(this.#retries) };
  }

  absorb({ calls, sentBytes: sent, receivedBytes, retries }: MeterFigures): void {
    for (const { operation, code, count, seconds, buckets } of calls) {
      const counts = this.#countsOf(operation, code);
      counts.count += count;
      counts.seconds += seconds;
      for (const [at, times] of buckets.entries()) counts.buckets[at] = (counts.buckets[at] ?? 0) + times;
      const failure = code !== undefined && NO_FAILURES.has(code) ? undefined : code;
      this.#recent.addMany(this.#now(), failure, count);
    }
    this.#sent += sent;
    this.#received += receivedBytes;
    for (const [code, count] of retries) {
      this.#retries.set(code, (this.#retries.get(code) ?? 0) + count);
      this.#recentRetries.addMany(this.#now(), code, count);
    }
  }

  recent(milliseconds: number): RecentCalls {
    // Of another span of time, what was repeated would say nothing of so many calls.
    const since = Math.max(this.#now() - milliseconds, this.#recent.oldest);
    const { count: calls, codes: failures } = this.#recent.since(since);
    return { calls, failures, retries: this.#recentRetries.since(since).codes };
  }

  onCall(listener: (call: MeteredCall) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** The name of a kind of call. */
const nameOf = ({ operation, code }: CallFigures): string => `${operation} ${code ?? ''}`;

/** The figures between two looks at a meter. */
export function figuresSince(before: MeterFigures, now: MeterFigures): MeterFigures {
  const earlier = new Map(before.calls.map((figures) => [nameOf(figures), figures]));
  const calls = now.calls.flatMap((figures) => {
    const known = earlier.get(nameOf(figures));
    if (known === undefined) return [figures];
    if (known.count === figures.count) return [];
    return [
      {
        ...figures,
        count: figures.count - known.count,
        seconds: figures.seconds - known.seconds,
        buckets: figures.buckets.map((times, at) => times - (known.buckets[at] ?? 0)),
      },
    ];
  });
  const retries = [...now.retries].map(([code, count]) => [code, count - (before.retries.get(code) ?? 0)] as const);
  return {
    calls,
    sentBytes: now.sentBytes - before.sentBytes,
    receivedBytes: now.receivedBytes - before.receivedBytes,
    retries: new Map(retries.filter(([, count]) => count > 0)),
  };
}

/**
 * A meter for one backend. It costs well under a microsecond a call.
 *
 * @param now - a clock in milliseconds that never runs backwards
 */
export function createMeter(now: () => number = () => performance.now()): Meter {
  return new BackendMeter(now);
}
