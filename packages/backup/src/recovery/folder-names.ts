import { byBytes } from './by-bytes.ts';
import type { PointSource } from './sources.ts';
import { takeTurns } from './sources.ts';

/** Of a folder with more names in it, and in the folders in it, none is kept. */
const MAX_NAMES = 200_000;

/** What a point has under a name, as its index tells it. */
export interface NamedThen {
  readonly key: string;
  readonly version: string;
  readonly modified: Date;
}

/**
 * All names in a large folder of a point, and in the folders in it, to be put in order once. They are read some at a time, by whoever asks
 * for a page. It knows nothing of who may see what.
 */
export class FolderNames {
  readonly #within: string;
  #names: NamedThen[] = [];
  #next: string;
  #state: 'reading' | 'whole' | 'too large' = 'reading';
  #turn: Promise<void> = Promise.resolve();

  /** @param within the token of the folder */
  constructor(within: string) {
    this.#within = within;
    this.#next = within;
  }

  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  /** Whether there are too many to be kept. */
  get isTooLarge(): boolean {
    return this.#state === 'too large';
  }

  /** The token up to which they are read. */
  get next(): string {
    return this.#next;
  }

  /** In order, once it is whole. */
  get names(): readonly NamedThen[] {
    return this.#names;
  }

  /** Reads up to so many more, where it is not whole yet. */
  async read(source: PointSource, most: number, signal: AbortSignal | undefined): Promise<void> {
    const turn = this.#turn.then(() => this.#read(source, most, signal));
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  async #read(source: PointSource, most: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#state !== 'reading') return;
    let left = most;
    for await (const item of source.items(this.#next, signal)) {
      if (!item.token.startsWith(this.#within)) break;
      if (left-- <= 0) return;
      await takeTurns(left);
      const key = item.isThere ? await item.name(signal) : undefined;
      const current = key === undefined ? undefined : await item.current(signal);
      // After what may fail, so that nothing is passed over by whoever reads on.
      this.#next = item.token;
      if (key === undefined || current === undefined) continue;
      if (this.#names.length >= MAX_NAMES) return this.#giveUp();
      this.#names.push({ key, version: current.version, modified: current.modified });
    }
    this.#names.sort((a, b) => byBytes(a.key, b.key));
    this.#state = 'whole';
  }

  #giveUp(): void {
    this.#names = [];
    this.#state = 'too large';
  }

  /** Where a page begins that comes after a name, or with `/` at its end after all that is in that folder. */
  after(name: string): number {
    let [low, high] = [0, this.#names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const key = this.#names[middle]?.key ?? '';
      if (byBytes(key, name) <= 0 || (name.endsWith('/') && key.startsWith(name))) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
