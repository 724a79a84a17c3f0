import { SecureStoreError } from '@securestore/core-format';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const MEBIBYTE = 1024 * 1024;

/** The limits beyond which a check has a finding. Times are milliseconds, shares are from 0 to 1. `Infinity` switches a threshold off. */
export interface HealthThresholds {
  /** The longest duration of 95 of 100 calls; above it the check is `degraded`. Default 1,000. */
  readonly slowAfter?: number | undefined;
  /** As {@link slowAfter}, for `failing`. Default 5,000. */
  readonly failingAfter?: number | undefined;
  /** The share of calls that may fail; above it the check is `degraded`. It is `failing` from a half on, if calls of the check fail too. Default 0.01. */
  readonly maxErrorRate?: number | undefined;
  /** How many attempts may be repeated for each call. Default 0.05. */
  readonly maxRetryRate?: number | undefined;
  /** The free space that must be left, in bytes, if the backend reports it. Default 256 MiB. */
  readonly minFreeBytes?: number | undefined;
  /** The share of the total space that must be free. Default 0.05. */
  readonly minFreeShare?: number | undefined;
  /** How far the clocks of this machine and of the backend may differ. More than ten minutes are `failing`, whatever the threshold says. Default 60,000. */
  readonly maxClockSkew?: number | undefined;
  /** The highest age of the encryption keys that encrypt new objects. Default one day over the rotation of the store, or no limit. */
  readonly maxKeyAge?: number | undefined;
  /** How long the last complete scrub may be ago. If set, a store without a completed scrub is `degraded`. Default the `within` of the last scrub, or 35 days. */
  readonly scrubWithin?: number | undefined;
}

/** `undefined` if something follows from the store, and not from here. */
export const DEFAULTS: Required<HealthThresholds> = {
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

/** How long the last complete scrub may be ago, if neither the threshold nor the scrub has a value. */
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
