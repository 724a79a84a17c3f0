/**
 * How much is done by the tests whose worth grows with their length: crash campaigns, simulations, properties, moves
 * between backends. `npm test` runs the short form of each, `npm run test:all` the full form, and `npm run torture` a
 * form that takes hours.
 */
export type Size = 'short' | 'full' | 'torture';

const SIZES: readonly Size[] = ['short', 'full', 'torture'];

/** The environment variable with the size of a run. */
export const SIZE_VARIABLE = 'SECURESTORE_TEST_SIZE';

/** @throws Error if `given` is no size */
export function sizeNamed(given: string | undefined): Size {
  const size = SIZES.find((name) => name === (given || 'short'));
  if (size === undefined) throw new Error(`${SIZE_VARIABLE} must be ${SIZES.join(', ')}, got ${given}`);
  return size;
}

export const SIZE: Size = sizeNamed(process.env[SIZE_VARIABLE]);

/** Whether the longest forms run. */
export const TORTURE: boolean = SIZE === 'torture';

/** What a test uses at the size of this run. */
export function sized<T>(amounts: Readonly<Record<Size, T>>): T {
  return amounts[SIZE];
}

/** Whether the full or the longest forms run. */
export const LONG: boolean = SIZE !== 'short';

/**
 * The name of a test with `runIf(LONG)`: a short run says by it why it leaves the test out.
 *
 * @param isRun whether it runs all the same, as one row of a table may
 */
export function onlyLong(name: string, isRun: boolean = LONG): string {
  return isRun ? name : `${name} (only npm run test:all)`;
}
