/** How far a worker has come: the index of its target, and of its input. */
export interface Position {
  readonly target: number;
  readonly index: number;
}

/** Tells a worker that has stood at one input for too long. */
export class Watchdog {
  readonly #patience: number;
  #last: Position | undefined;
  #since = 0;

  /** @param patience in milliseconds */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** @returns whether the worker hangs */
  look(position: Position, now: number): boolean {
    if (this.#last?.target !== position.target || this.#last.index !== position.index) {
      this.#last = position;
      this.#since = now;
    }
    return now - this.#since > this.#patience;
  }
}
