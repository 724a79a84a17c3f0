import type { Clock } from '../../../packages/jobs/src/index.ts';
import { systemClock } from '../../../packages/jobs/src/index.ts';

/** A clock that goes from some days ago to now as fast as it is told to, and from then on as the machine's. */
export class MovingClock implements Clock {
  readonly #real: Clock = systemClock();
  #behind: number;

  /** @param behind how long ago it begins, in milliseconds */
  constructor(behind: number) {
    this.#behind = behind;
  }

  now(): number {
    return this.#real.now() - this.#behind;
  }

  uptime(): number {
    return this.#real.uptime() - this.#behind + 365 * 86_400_000;
  }

  /** Goes on by some milliseconds, but never beyond now. */
  pass(milliseconds: number): void {
    this.#behind = Math.max(0, this.#behind - milliseconds);
  }

  async sleep(
    milliseconds: number,
    signal?: AbortSignal,
    options?: { readonly ref?: boolean | undefined },
  ): Promise<void> {
    if (this.#behind === 0) return this.#real.sleep(milliseconds, signal, options);
    signal?.throwIfAborted();
    // What others have to do meanwhile is done.
    await this.#real.sleep(1, signal, options);
    this.pass(milliseconds);
  }
}
