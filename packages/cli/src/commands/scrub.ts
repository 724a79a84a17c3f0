import { exitCodeOf } from '@securestore/core-format';
import type { ScrubFinding, ScrubReport } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { comparedWith } from '../object/checkpoint-text.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { withStore } from '../store/open.ts';
import { parseDurationWithin } from '../call/parse-time.ts';
import { parseRate } from '../call/parse-values.ts';
import { count, formatBytes, formatDuration, formatTime, printable } from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

export interface ScrubOptions {
  readonly rate?: string;
  readonly over?: string;
  readonly repair?: string;
  /** False with `--no-payloads`. */
  readonly payloads?: boolean;
}

/** The ways to have what is damaged again. */
function advice(commands: Commands, repairs: boolean): string {
  const restore = commands.on(['restore', 'BACKUP'], { key: 'KEY', conflict: 'overwrite' });
  const first = repairs
    ? 'what is not repaired: give another backup with --repair; or'
    : `to put it back as it was: ${commands.on(['scrub'], { repair: 'BACKUP' })};`;
  return printable(`${first} ${restore} puts back what a backup has, as a new version`);
}

/** From so many milliseconds on a pass that was at work for a shorter time was interrupted. */
const PAUSED = 2000;

const NOT_REPAIRED: Readonly<Record<NonNullable<ScrubFinding['notRepaired']>, string>> = {
  absent: 'the backup does not have the object',
  damaged: 'the object is damaged in the backup, too',
  older: 'the backup has only an older version',
};

function lineOf({ kind, key, name, message, repaired, notRepaired }: ScrubFinding): string {
  const subject = key === undefined ? name : `${key} (${name})`;
  const outcome = repaired ? 'repaired: ' : '';
  const why = notRepaired === undefined ? '' : `; not repaired: ${NOT_REPAIRED[notRepaired]}`;
  return `${outcome}${printable(kind)}: ${printable(subject)}: ${printable(message)}${why}`;
}

/** @param repairs whether what is wrong was to be put right */
function inWords(report: ScrubReport, commands: Commands, repairs: boolean): string[] {
  const { ok, found, repaired, objects, deleted, versions, parts, bytes, started, ended, took, baseline, late } =
    report;
  const what = [
    count(objects, 'object'),
    count(deleted, 'deletion'),
    count(versions, 'older version'),
    count(parts, 'part of a payload', 'parts of payloads'),
  ].join(', ');
  const some = repaired === found ? 'all repaired' : `${repaired} of them repaired`;
  const mended = repaired === 0 ? '' : `, ${found === 1 ? 'repaired' : some},`;
  const verdict = found === 0 ? 'nothing is wrong' : `${count(found, 'finding')}${mended}`;
  const paused = ended.getTime() - started.getTime() - took;
  const since = paused < PAUSED ? '' : `, begun ${formatTime(started)} and interrupted since`;
  const basis =
    baseline === undefined
      ? 'there is no checkpoint: only damage shows, not that an object is older than it was or gone (securestore verify --checkpoint makes one)'
      : comparedWith(baseline);
  return [
    `${verdict} among ${what}; read ${formatBytes(bytes)} of payloads, in ${formatDuration(took / 1000)}${since}`,
    basis,
    ...(late ? ['it took longer than --over says, since --rate did not allow it to go faster'] : []),
    ...(ok ? [] : [advice(commands, repairs)]),
  ];
}

/** `securestore scrub`. */
export async function scrub(call: Call<ScrubOptions>): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { rate, over, repair, payloads } = options;
  const given = {
    signal: cli.signal,
    ...(rate !== undefined && { rate: parseRate('--rate', rate) }),
    ...(over !== undefined && { within: parseDurationWithin('--over', over, { from: '1s', to: '3650d' }) }),
    ...(repair !== undefined && { repair }),
    ...(payloads !== undefined && { payloads }),
  };
  return await withStore(call, async (store) => {
    const report = await watchJob(cli, 'scrub', store.scrub(given));
    const { findings, foreign, ...summary } = report;
    for (const finding of findings) await out.result(finding, () => lineOf(finding));
    for (const stray of foreign) {
      await out.result(
        { kind: 'foreign', ...stray },
        () => `foreign object: ${printable(stray.name)}: ${printable(stray.message)}`,
      );
    }
    await out.result({ summary }, () => inWords(report, new Commands(call), repair !== undefined));
    return report.ok ? 0 : exitCodeOf('INTEGRITY');
  });
}
