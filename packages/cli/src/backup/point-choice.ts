import type { SnapshotChoice } from 'securestore';
import type { Call } from '../call/call.ts';
import { parseMoment, parseSince } from '../call/parse-time.ts';
import { parseCount } from '../call/parse-values.ts';
import { refuse } from '../errors/refuse.ts';

/** Snapshots are shown with their second: that of a moment means all of it. */
function endOf(moment: Date, text: string): Date {
  const isWhole = /:\d\d(?:Z|[+-]\d\d:?\d\d)?$/i.test(text) && moment.getTime() % 1000 === 0;
  return isWhole ? new Date(moment.getTime() + 999) : moment;
}

/** The options that choose a point; with `ask`, for a request for approval. */
interface PointOptions {
  readonly at?: string | undefined;
  readonly snapshot?: string | undefined;
  readonly ask?: string | undefined;
}

/**
 * Which point of a backup is meant.
 *
 * @param prefix of the names of the options, such as `from-`
 * @throws `INVALID_ARGUMENT`
 */
export function pointOf({ cli }: Pick<Call, 'cli'>, { at, snapshot, ask }: PointOptions, prefix = ''): SnapshotChoice {
  if (at !== undefined && snapshot !== undefined) {
    refuse(`--${prefix}at cannot be used with --${prefix}snapshot`);
  }
  // An approval is for one moment, and a time before now would be another one when the command is repeated.
  const read = ask === undefined ? parseSince : parseMoment;
  return {
    ...(at === undefined ? {} : { at: endOf(read(`--${prefix}at`, at, cli.now()), at) }),
    ...(snapshot === undefined ? {} : { snapshot: parseCount(`--${prefix}snapshot`, snapshot) }),
  };
}
