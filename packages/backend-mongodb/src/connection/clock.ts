/**
 * How far the time of a write may lie below the logical one, in whole seconds, of its answer: time passes between the
 * two, and the logical one is cut to seconds.
 */
const LAG_MS = 1000;

/** How far `modified` may run backwards: by the lag, and by the fraction of a second that the logical time lacks. */
export const CLOCK_SKEW_MS: number = 2 * LAG_MS;

/** When a command begins, by the clock of the server, as a 64-bit number of milliseconds. */
export const SERVER_TIME = { $toLong: '$$NOW' } as const;

/**
 * The time below which nothing of a store may be dated any more. Members of a replica set share a logical time that
 * never runs backwards, neither where a clock is set back nor where another server takes over, and every answer says
 * what it is. A server that stands alone has none, so there it is only its clock that counts.
 */
export class Floor {
  #time = 0;

  get time(): number {
    return this.#time;
  }

  /** Looks at the logical time of an answer, a `Timestamp` of BSON, whose upper half are seconds. */
  learn(operationTime: { readonly high: number } | undefined): void {
    if (operationTime === undefined) return;
    this.#time = Math.max(this.#time, (operationTime.high >>> 0) * 1000 - LAG_MS);
  }
}
