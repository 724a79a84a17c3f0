import { redactStoreUrl } from '@securestore/backend-api';
import type { ChosenSnapshot, ConflictPolicy, RestoreJobReport, RestoreReport } from 'securestore';
import type { Call } from '../call/call.ts';
import type { RestoreOptions } from './restore-way.ts';
import { count, formatBytes, formatTime, printable } from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

type Moment = Pick<ChosenSnapshot, 'number' | 'time'> & {
  readonly gap?: ChosenSnapshot['gap'] | undefined;
};

/** What is read or restored, in words. */
function momentInWords({ at }: RestoreOptions, { number, time, gap }: Moment): string {
  if (at === undefined || gap !== undefined) return `snapshot ${number} of ${formatTime(time)}`;
  return `the store as of ${time.toISOString()}, snapshot ${number} and what followed it`;
}

/** The moment that was asked for may be in a gap, of which what is written has nothing. */
export function noteMoment({ out }: Call, options: RestoreOptions, moment: Moment | undefined): void {
  const { at } = options;
  if (at === undefined || moment === undefined) return;
  const { number, time, gap } = moment;
  out.note(`from ${momentInWords(options, { number, time, gap })}`);
  if (gap === undefined) return;
  const from = formatTime(gap.from);
  const span = gap.to === undefined ? `after ${from}` : `between ${from} and ${formatTime(gap.to)}`;
  out.note(`warning: the backup has no recovery points ${span}: changes from then until ${at} are missing`);
}

/** Of when it is who may open the new store and do what with it: whoever lost that later has it there. */
function accessInWords({ access }: RestoreReport): string[] {
  const { time, generation, policy } = access;
  const keys = `slots, members and keys are those of ${formatTime(time)} (generation ${generation})`;
  if (policy === undefined) return [`${keys}; there is no access policy`];
  const whose = policy.source === 'store' ? 'the open store, applied on top' : 'the backup';
  return [
    `${keys}; the access policy is version ${policy.version}, as of ${formatTime(policy.time)}, of ${whose}`,
    'people who lost access after that have it in the new store: see securestore grant, token, slot and member there',
  ];
}

/** @param source the backup, as it was given */
export function storeInWords(report: RestoreReport, { options }: Call<RestoreOptions>, source: string): string[] {
  const { to = '', prefix } = options;
  const commands = new Commands({ args: [], options });
  const { snapshot: number, objects, versions, bytes, unreadable, failed } = report;
  const what = `${count(objects, 'object')} in ${count(versions, 'version')}, ${formatBytes(bytes)}`;
  const lost = unreadable === 0 ? [] : [`left out, since their keys were destroyed: ${count(unreadable, 'version')}`];
  const damaged = failed.length === 0 ? [] : [`could not be restored: ${count(failed.length, 'name')}`];
  // With a part of the store, nothing is to continue the backups of the whole.
  const takeOver =
    prefix === undefined
      ? [
          `or, if the store of these backups is lost, take them over: ${printable(commands.elsewhere(['backup', redactStoreUrl(source)], { 'take-over': true, store: to }))}`,
        ]
      : [];
  return [
    `restored ${momentInWords(options, { ...report, number })} to ${printable(to)}: ${what}`,
    ...lost,
    ...damaged,
    ...accessInWords(report),
    `its secrets of that time open it, a lost one too: ${printable(commands.elsewhere(['slot', 'list'], { store: to }))}, and slot remove`,
    `to see its objects: ${printable(commands.elsewhere(['ls'], { store: to }))}`,
    `its backups need a destination of their own: ${printable(commands.elsewhere(['backup', 'URL'], { store: to }))}`,
    ...takeOver,
  ];
}

export function nothingBegins(snapshot: number, prefix: string): string {
  return `snapshot ${snapshot} has no object whose name starts with ${JSON.stringify(prefix)}`;
}

/** @param source the backup, as it was given */
export function objectsInWords(
  report: RestoreJobReport,
  policy: ConflictPolicy,
  { options }: Call<RestoreOptions>,
  source: string,
): string[] {
  const { dryRun, snapshot, time, gap, created, replaced, renamed, skipped, unchanged, deleted, bytes, before } =
    report;
  const from = momentInWords(options, { number: snapshot, time, gap });
  if (dryRun && policy === 'fail' && report.conflicts.length > 0) {
    return [
      `would restore nothing from ${from}: the store has another version of ${count(skipped, 'object')}; ` +
        'choose --conflict skip, newer, overwrite or rename',
    ];
  }
  const counts: [number, string][] = [
    [created, 'created'],
    [replaced, 'replaced'],
    [renamed, 'restored beside another version'],
    [deleted, 'deleted'],
    [skipped, 'left as they are'],
    [unchanged, 'unchanged'],
  ];
  const told = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const what = told.length === 0 ? 'nothing to do' : `${told.join(', ')}; ${formatBytes(bytes)}`;
  const verb = dryRun ? 'would restore' : 'restored';
  const undo = new Commands({ args: [], options }).on(['restore', redactStoreUrl(source)], {
    snapshot: String(before),
    'delete-extra': created + renamed > 0,
  });
  const safe =
    before === undefined
      ? []
      : [`what was there before is snapshot ${before}; to undo this restore: ${printable(undo)}`];
  return [`${verb} from ${from}: ${what}`, ...safe];
}
