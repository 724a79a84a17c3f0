import { SecureStoreError } from '@securestore/core-format';

/** The kinds of calendar intervals of which a policy keeps one point each, from short to long. */
export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

/**
 * Which points of a destination to keep. A point is kept if any of the rules keeps it; without any rule all points
 * are kept.
 */
export interface RetentionPolicy {
  /** The newest so many points. */
  readonly last?: number;
  /** The newest point of each of the newest so many hours that have points. */
  readonly hourly?: number;
  readonly daily?: number;
  /** Weeks begin on Monday. */
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
  /** Everything that is at most so many milliseconds older than the newest point. */
  readonly within?: number;
}

/** How much of the past a destination keeps. */
export interface RetentionSettings extends RetentionPolicy {
  /**
   * How long, in milliseconds, every second can be restored if a destination has a continuous backup; by default 7 days. Of what is
   * older, the snapshots that the other rules keep are kept.
   */
  readonly continuous?: number | undefined;
  /** Whose days, weeks, months and years are meant: an IANA name. Default `UTC`. */
  readonly timeZone?: string | undefined;
}

const RULES: readonly (keyof RetentionPolicy)[] = ['last', ...PERIODS, 'within'];

function isRule(name: string): name is keyof RetentionPolicy {
  return (RULES as readonly string[]).includes(name);
}

/**
 * A retention policy from anywhere: a configuration file, options of the command line. Rules that are `undefined` are
 * left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if a rule has another name, or its value isn't a whole number from 1
 */
export function parseRetentionPolicy(value: unknown): RetentionPolicy {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'a retention must be an object such as { "daily": 7, "weekly": 4 }');
  }
  const policy: Partial<Record<keyof RetentionPolicy, number>> = {};
  for (const [name, count] of Object.entries(value)) {
    if (!isRule(name)) {
      const message = `unknown rule "${name}" of a retention, known: ${RULES.join(', ')}`;
      throw new SecureStoreError('INVALID_ARGUMENT', message, { option: name });
    }
    if (count === undefined) continue;
    // 0 could mean "keep none" or "keep all", and a wrong guess would cost backups.
    if (!Number.isSafeInteger(count) || Number(count) < 1) {
      const unit = name === 'within' ? 'milliseconds' : 'points';
      const message = `the option "${name}" must be a whole number of ${unit} from 1`;
      throw new SecureStoreError('INVALID_ARGUMENT', message, { option: name });
    }
    policy[name] = Number(count);
  }
  return policy;
}
