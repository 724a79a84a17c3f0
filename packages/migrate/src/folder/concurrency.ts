/**
 * Runs `work` on what `source` yields, at most `limit` at a time, taking the next item only when one is free.
 * The first failure, of the work or of the source, stops the taking of items, waits for what is under way, and is thrown.
 */
export async function forEachConcurrently<T>(
  source: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const under = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const item of source) {
      if (failures.length > 0) break;
      const task = work(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => under.delete(task));
      under.add(task);
      if (under.size >= limit) await Promise.race(under);
    }
  } finally {
    // Also where the source fails: what the work uses is closed when this returns.
    await Promise.all(under);
  }
  if (failures.length > 0) throw failures[0];
}

/** Runs what it is given when its turn comes. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** A {@link Gate} that runs at most `limit` pieces of work at once; the others wait their turn. */
export function createGate(limit: number): Gate {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
