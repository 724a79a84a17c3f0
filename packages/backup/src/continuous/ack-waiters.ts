import type { SnapshotReport } from '../snapshot/snapshot-types.ts';

type Waiter<T> = Pick<PromiseWithResolvers<T>, 'resolve' | 'reject'>;

/** Who waits for a snapshot. */
interface WantedSnapshot extends Waiter<SnapshotReport> {
  readonly label: string;
}

/** What callers wait for that a continuous backup is to do: it is begun at once, whenever the next step would be. */
export class AckWaiters {
  /** Who waits for a cut that has not begun yet. */
  #waiting: Waiter<void>[] = [];
  #wanted: WantedSnapshot[] = [];
  #wake: (() => void) | undefined;

  /** Whether anybody waits. */
  get any(): boolean {
    return this.#waiting.length > 0 || this.#wanted.length > 0;
  }

  /** Resolves when everything that was acknowledged before the call is shipped. */
  shipped(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ resolve, reject });
    this.#wake?.();
    return promise;
  }

  /** Resolves when a snapshot of this label is made. */
  snapshot(label: string): Promise<SnapshotReport> {
    const { promise, resolve, reject } = Promise.withResolvers<SnapshotReport>();
    this.#wanted.push({ label, resolve, reject });
    this.#wake?.();
    return promise;
  }

  /** Those whom the cut concerns that begins now. */
  takeWaiting(): readonly Waiter<void>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** The next cut is to be theirs. */
  putBack(waiting: readonly Waiter<void>[]): void {
    this.#waiting.unshift(...waiting);
  }

  takeSnapshot(): WantedSnapshot | undefined {
    return this.#wanted.shift();
  }

  /** Runs what waits, until it is over, or `signal` aborts, or somebody is there who waits. */
  async untilAny(wait: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await wait(AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (!woken.signal.aborted && !signal.aborted) throw error;
    } finally {
      this.#wake = undefined;
    }
  }

  /** Tells all who wait that it is not to be. */
  reject(error: Error): void {
    for (const { reject } of [...this.#waiting, ...this.#wanted]) reject(error);
  }
}
