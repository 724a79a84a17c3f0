/** A generator of whole numbers below `bound`, the same for the same seed. Source: mulberry32 by Tommy Ettinger. */
export type RandomBelow = (bound: number) => number;

/** Not for anything secret: it only makes test runs replayable. */
export function seededRandom(seed: number): RandomBelow {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/** One of `items`, of which there is at least one. */
export function pick<T>(below: RandomBelow, items: readonly T[]): T {
  const item = items[below(items.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}
