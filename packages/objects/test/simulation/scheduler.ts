import type { Dice } from './dice.ts';

interface Entry {
  readonly time: number;
  /** Decides between events of the same moment. */
  readonly tie: number;
  run: (() => void) | undefined;
}

/** How many turns of the event loop an empty schedule is given: code that yields between its steps goes on in them. */
const IDLE_TURNS = 8;

const turn = (): Promise<void> =>
  new Promise((done) => {
    setImmediate(done);
  });

const before = (a: Entry, b: Entry): boolean => a.time < b.time || (a.time === b.time && a.tie < b.tie);

/**
 * Simulated time and all that is still to happen in it. One event happens at a time; whatever code it wakes runs until
 * it waits for another event, since a turn of the event loop ends only when no promise is left to go on.
 */
export class Scheduler {
  readonly #dice: Dice;
  /** A binary heap. */
  readonly #entries: Entry[] = [];
  #now = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** Milliseconds since the schedule began. */
  get now(): number {
    return this.#now;
  }

  /** Lets `run` happen after some milliseconds. @returns what calls it off */
  after(delay: number, run: () => void): () => void {
    const entry: Entry = { time: this.#now + Math.max(0, delay), tie: this.#dice.float(), run };
    this.#push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delay, resolve);
    });
  }

  /** Until nothing is left to happen. */
  async run(): Promise<void> {
    for (let idle = 0; idle < IDLE_TURNS;) {
      const next = this.#pop();
      if (next === undefined) {
        idle += 1;
        await turn();
        continue;
      }
      if (next.run === undefined) continue;
      idle = 0;
      this.#now = next.time;
      next.run();
      await turn();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#entries;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !before(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#entries;
    const [top] = heap;
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const child = right !== undefined && left !== undefined && before(right, left) ? right : left;
      if (child === undefined || !before(child, last)) break;
      heap[at] = child;
      at = 2 * at + (child === right ? 2 : 1);
    }
    heap[at] = last;
    return top;
  }
}
