import type { RetentionReport, RetentionSettings } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { parseDuration } from '../call/parse-time.ts';
import { parseCount } from '../call/parse-values.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { count, formatBytes, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { retentionText } from './destinations.ts';
import { Commands } from '../errors/hints.ts';

const COUNTS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
const SPANS = ['within', 'continuous'] as const;

type Rule = (typeof COUNTS)[number] | (typeof SPANS)[number];

export interface RetentionOptions extends Partial<Record<`keep${Capitalize<Rule>}`, string>> {
  readonly timeZone?: string;
  readonly set?: boolean;
  readonly dryRun?: boolean;
  readonly damaged?: boolean;
}

const optionOf = (rule: Rule): `keep${Capitalize<Rule>}` =>
  `keep${rule.charAt(0).toUpperCase()}${rule.slice(1)}` as `keep${Capitalize<Rule>}`;

function settingsOf(options: RetentionOptions): RetentionSettings | undefined {
  const settings: Record<string, unknown> = {};
  for (const name of COUNTS) {
    const given = options[optionOf(name)];
    if (given !== undefined) settings[name] = parseCount(`--keep-${name}`, given);
  }
  for (const name of SPANS) {
    const given = options[optionOf(name)];
    if (given !== undefined) settings[name] = parseDuration(`--keep-${name}`, given);
  }
  if (options.timeZone !== undefined) settings['timeZone'] = options.timeZone;
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** The damaged snapshots of a report. A server of an earlier release does not tell them. */
const damagedOf = ({ removedDamaged = [] }: Partial<Pick<RetentionReport, 'removedDamaged'>>): readonly number[] =>
  removedDamaged;

/** The amount to remove, and how many of the snapshots are damaged. @param snapshots their numbers */
function amount(report: RetentionReport, snapshots: readonly number[]): string {
  const { removedChanges } = report;
  const damaged = damagedOf(report).filter((number) => snapshots.includes(number)).length;
  const of = damaged === 0 ? '' : `, ${damaged} of them damaged`;
  const moments =
    removedChanges === 0 ? '' : `${of && ','} and ${count(removedChanges, 'recovery point')} between them`;
  return `${count(snapshots.length, 'snapshot')}${of}${moments}`;
}

function inWords(report: RetentionReport): string[] {
  const { kept, removed, done } = report;
  const verb = done === undefined ? 'would remove' : 'removed';
  const freed = done === undefined ? [] : [`freed ${formatBytes(done.bytes)} in ${count(done.files, 'file')}`];
  const gone = removed.filter((number) => done?.refused?.snapshots.includes(number) !== true);
  const stay = kept.length + removed.length - gone.length;
  return [`${verb} ${amount(report, gone)}; ${stay} stay`, ...freed];
}

/** `securestore retention`. */
export async function retention(call: Call<RetentionOptions>, destination: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { signal } = cli;
  const settings = settingsOf(options);
  return await withStore<ExitCode>(call, async ({ backups }) => {
    if (options.set === true) {
      await backups.setRetention(destination, settings ?? {}, { signal });
      await out.result({ destination, retention: settings ?? {} }, () => {
        return `${printable(destination)} keeps ${retentionText(settings)}; ${printable(new Commands(call).on(['retention', destination]))} removes the rest`;
      });
      return 0;
    }
    const given = { retention: settings, damaged: options.damaged };
    const looking = backups.retain(destination, { ...given, dryRun: true, signal });
    const preview = await watchWait(cli, 'retention: reading the snapshots', looking);
    for (const { number, reasons } of preview.kept) {
      await out.result({ number, kept: reasons }, () => `keep snapshot ${number} (${reasons.join(', ')})`);
    }
    const broken = damagedOf(preview);
    for (const number of preview.removed) {
      const isDamaged = broken.includes(number);
      await out.result({ number, removed: true, ...(isDamaged && { damaged: true }) }, () => {
        return `remove snapshot ${number}${isDamaged ? ' (damaged)' : ''}`;
      });
    }
    const isNothing = preview.removed.length === 0 && preview.removedChanges === 0;
    if (options.dryRun === true) {
      const summary = { removed: preview.removed.length, ...(broken.length > 0 && { damaged: broken.length }) };
      await out.result({ summary: { ...summary, dryRun: true } }, () => inWords(preview));
      return 0;
    }
    // What an interrupted run has left goes all the same, which nobody needs to be asked about.
    if (!isNothing) {
      const what = amount(preview, preview.removed);
      const question = `Remove ${what}${broken.length > 0 ? ',' : ''} at ${printable(destination)} for good? ${preview.kept.length} stay.`;
      await confirmDestruction(cli, options.yes, question);
    }
    const removing = backups.retain(destination, { ...given, signal });
    const report = await watchWait(cli, 'retention: removing what is not kept', removing);
    const { files = 0, bytes = 0, refused } = report.done ?? {};
    for (const number of refused?.snapshots ?? []) {
      await out.result({ number, refused: refused?.code }, () => `could not remove snapshot ${number}`);
    }
    const removed = report.removed.filter((number) => refused?.snapshots.includes(number) !== true).length;
    const summary = {
      removed,
      files,
      bytes,
      ...(refused && { refused: { code: refused.code, files: refused.files } }),
    };
    await out.result({ summary }, () => inWords(report));
    if (refused === undefined) return 0;
    out.note(`warning: ${printable(refused.message)}`);
    return SOME_FAILED;
  });
}
