import type { SnapshotChoice } from 'securestore';
import { parseMoment } from '../call/parse-time.ts';
import { parseCount } from '../call/parse-values.ts';
import { refuse } from '../errors/refuse.ts';

/** Snapshots are shown with their second: that of a moment means all of it. */
function endOf(moment: Date, text: string): Date {
  const isWhole = /:\d\d(?:Z|[+-]\d\d:?\d\d)?$/i.test(text) && moment.getTime() % 1000 === 0;
  return isWhole ? new Date(moment.getTime() + 999) : moment;
}

/**
 * Which point of a backup is meant.
 *
 * @param prefix of the names of the options, such as `from-`
 * @throws `INVALID_ARGUMENT`
 */
export function pointOf(
  { at, snapshot }: { readonly at?: string | undefined; readonly snapshot?: string | undefined },
  prefix = '',
): SnapshotChoice {
  if (at !== undefined && snapshot !== undefined) {
    refuse(`--${prefix}at cannot be used with --${prefix}snapshot`);
  }
  return {
    ...(at === undefined ? {} : { at: endOf(parseMoment(`--${prefix}at`, at), at) }),
    ...(snapshot === undefined ? {} : { snapshot: parseCount(`--${prefix}snapshot`, snapshot) }),
  };
}
