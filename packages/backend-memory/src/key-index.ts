const BLOCK_LENGTH = 512;

/**
 * The keys of a map in order, brought up to date only when someone lists: a write costs one insertion into a set, a
 * listing about a microsecond for every key that came or went since the last one. Keys lie in sorted blocks, so that
 * an insertion moves at most one block.
 */
export class KeyIndex {
  readonly #blocks: string[][] = [];
  readonly #changed = new Set<string>();
  readonly #exists: (key: string) => boolean;

  /** @param exists - whether a key is there at the moment of listing */
  constructor(exists: (key: string) => boolean) {
    this.#exists = exists;
  }

  /** Notes that `key` came or went. */
  touch(key: string): void {
    this.#changed.add(key);
  }

  /** The keys from `from` on (after it, when `inclusive` is false), in order, until one lacks `prefix`. */
  *from(from: string, inclusive: boolean, prefix: string): Generator<string, void> {
    this.#refresh();
    let block = Math.max(this.#blockOf(from), 0);
    let position = lowerBound(this.#blocks[block] ?? [], from);
    for (; block < this.#blocks.length; block += 1, position = 0) {
      const keys = this.#blocks[block] ?? [];
      for (; position < keys.length; position += 1) {
        const key = keys[position] ?? '';
        if (!inclusive && key === from) continue;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }

  #refresh(): void {
    for (const key of this.#changed) this.#place(key, this.#exists(key));
    this.#changed.clear();
  }

  #place(key: string, present: boolean): void {
    const index = Math.max(this.#blockOf(key), 0);
    const block = this.#blocks[index];
    if (block === undefined) {
      if (present) this.#blocks.push([key]);
      return;
    }
    const position = lowerBound(block, key);
    const found = block[position] === key;
    if (found && !present) {
      block.splice(position, 1);
      if (block.length === 0) this.#blocks.splice(index, 1);
    } else if (!found && present) {
      block.splice(position, 0, key);
      if (block.length > BLOCK_LENGTH) this.#blocks.splice(index + 1, 0, block.splice(BLOCK_LENGTH / 2));
    }
  }

  /** The index of the last block that starts at or before `key`; -1 where there is none. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#blocks[middle]?.[0];
      if (first !== undefined && first <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The position of the first of `keys` that is not before `key`. Strings of ASCII compare like their bytes. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = keys[middle];
    if (at !== undefined && at < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
