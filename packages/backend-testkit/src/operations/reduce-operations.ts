import { type Operation, keysOf } from './operation.ts';

/** How many attempts a reduction may take; each does what is left of the log on a store URL of its own. */
const MOST_ATTEMPTS = 100;

/**
 * A shorter log that fails, too: first what concerns the keys of the operation that failed, then ever smaller pieces are
 * left out (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). `undefined` where the log
 * doesn't fail again, as by chance of time.
 *
 * @param failed - the place of the operation that failed
 */
export async function reduceOperations(
  operations: readonly Operation[],
  failed: number,
  fails: (operations: readonly Operation[]) => Promise<boolean>,
): Promise<readonly Operation[] | undefined> {
  const whole = operations.slice(0, failed + 1);
  const last = whole.at(-1);
  const keys = new Set(last === undefined ? undefined : keysOf(last));
  const related = whole.filter((operation) => keysOf(operation)?.some((key) => keys.has(key)) === true);
  let shortest: readonly Operation[] | undefined;
  for (const log of [related, whole]) {
    if (shortest === undefined && log.length > 0 && (await fails(log))) shortest = log;
  }
  if (shortest === undefined) return undefined;
  let attempts = 0;
  for (let piece = shortest.length >> 1; piece >= 1; piece >>= 1) {
    for (let start = 0; start < shortest.length && attempts < MOST_ATTEMPTS;) {
      const rest: readonly Operation[] = shortest.toSpliced(start, piece);
      attempts += 1;
      if (await fails(rest)) shortest = rest;
      else start += piece;
    }
  }
  return shortest;
}
