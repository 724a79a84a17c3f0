import type { CallOptions } from '@securestore/objects';
import type { HealthThresholds } from './thresholds.ts';

/**
 * - `ok`: as it should be
 * - `degraded`: it works, and somebody should look into it
 * - `failing`: it does not work, or what is stored is in danger
 */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

/** As {@link HealthStatus}; `not-set-up` if what is checked was never configured or run, which makes no store degraded. */
export type CheckStatus = HealthStatus | 'not-set-up';

/** What one check found. */
export interface HealthCheck {
  /** What was looked at, such as `backend`; the same each time. */
  readonly name: string;
  /** Which one, where there are several, such as the destination of a backup. */
  readonly subject?: string;
  readonly status: CheckStatus;
  /** What was found, in a sentence. */
  readonly reason: string;
  /** What to do; empty where nothing is to be done. */
  readonly advice: string;
  /** What was measured, by the names that the README lists. Times are milliseconds, sizes bytes. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** How a store is. */
export interface HealthReport {
  /** The worst of the checks that are set up. */
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
  /** When it was looked at. */
  readonly time: Date;
  /** How long that took, in milliseconds. */
  readonly took: number;
}

export interface HealthOptions extends CallOptions {
  /**
   * How long it may take, in milliseconds; default 10,000. What has not answered by then is a finding, and no error.
   */
  readonly timeout?: number | undefined;
  /** From when on something is a finding; what is left out is as it was configured. */
  readonly thresholds?: HealthThresholds | undefined;
  /** Whether reasons name objects of which something is wrong; default `true`. To sessions they never do. */
  readonly keys?: boolean | undefined;
}

/** What a source of checks is given. */
export interface HealthContext {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  readonly thresholds: Required<HealthThresholds>;
  /** How long it may take, in milliseconds: a little less than until nobody waits. */
  readonly budget: number;
  /** Whether somebody looks again and again, as for metrics: then what costs much may be as it was some minutes ago. */
  readonly isRoutine: boolean;
  /** Whether reasons may name objects. */
  readonly keys: boolean;
}

/** Looks at something that belongs to a store. */
export interface HealthSource {
  /** The names of its checks, for where it gives no answer. */
  readonly names: readonly string[];
  /** What it throws is a finding under each of its names. */
  check(context: HealthContext): Promise<readonly HealthCheck[]>;
}
