import { SecureStoreError } from '@securestore/core-format';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const MEBIBYTE = 1024 * 1024;

/** From when on something is a finding. Times are milliseconds, shares are from 0 to 1. `Infinity` turns one off. */
export interface HealthThresholds {
  /** How long 95 of 100 calls may take at most; more is `degraded`. Default 1,000. */
  readonly slowAfter?: number | undefined;
  /** As {@link slowAfter}, for `failing`. Default 5,000. */
  readonly failingAfter?: number | undefined;
  /** The share of calls that may fail; more is `degraded`, half of them `failing`. Default 0.01. */
  readonly maxErrorRate?: number | undefined;
  /** How many attempts may be repeated for each call. Default 0.05. */
  readonly maxRetryRate?: number | undefined;
  /** How much room must be left, in bytes, if the backend tells. Default 256 MiB. */
  readonly minFreeBytes?: number | undefined;
  /** The share of all room that must be left. Default 0.05. */
  readonly minFreeShare?: number | undefined;
  /** How far the clocks of this machine and the backend may be apart. Default a minute; ten are `failing`. */
  readonly maxClockSkew?: number | undefined;
  /** How old the keys may be that new objects are sealed with. Default a day over what the store is set to, or never. */
  readonly maxKeyAge?: number | undefined;
  /** How long ago everything must have been scrubbed. Default 35 days, once it was scrubbed or has been configured. */
  readonly scrubWithin?: number | undefined;
}

/** `undefined` if something follows from the store, and not from here. */
const DEFAULTS: Required<HealthThresholds> = {
  slowAfter: SECOND,
  failingAfter: 5 * SECOND,
  maxErrorRate: 0.01,
  maxRetryRate: 0.05,
  minFreeBytes: 256 * MEBIBYTE,
  minFreeShare: 0.05,
  maxClockSkew: MINUTE,
  maxKeyAge: undefined,
  scrubWithin: undefined,
};

/** After how long a scrub is due by default. */
export const SCRUB_WITHIN: number = 35 * DAY;

const NAMES = Object.keys(DEFAULTS) as (keyof HealthThresholds)[];
const SHARES: ReadonlySet<string> = new Set(['maxErrorRate', 'minFreeShare']);

function invalid(name: string, what: string): never {
  const option = `thresholds.${name}`;
  throw new SecureStoreError('INVALID_ARGUMENT', `the option "${option}" ${what}`, { option });
}

/**
 * Checks thresholds, and puts `given` over `configured` over the defaults.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for an unknown threshold, or one that is no number of its kind
 */
export function resolveThresholds(...layers: readonly unknown[]): Required<HealthThresholds> {
  const resolved: Record<string, number | undefined> = { ...DEFAULTS };
  for (const layer of layers) {
    if (layer === undefined) continue;
    if (typeof layer !== 'object' || layer === null || Array.isArray(layer)) {
      const message = 'the option "thresholds" must be an object';
      throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'thresholds' });
    }
    for (const [name, value] of Object.entries(layer as Readonly<Record<string, unknown>>)) {
      if (!NAMES.includes(name as keyof HealthThresholds)) {
        throw new SecureStoreError('INVALID_ARGUMENT', `unknown threshold ${JSON.stringify(name)}`, {
          option: 'thresholds',
        });
      }
      if (value === undefined) continue;
      if (typeof value !== 'number' || !(value >= 0)) invalid(name, 'must be a number from 0');
      if (SHARES.has(name) && value > 1 && value !== Infinity) {
        invalid(name, 'must be a share from 0 to 1');
      }
      resolved[name] = value;
    }
  }
  return resolved as unknown as Required<HealthThresholds>;
}
