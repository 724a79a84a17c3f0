import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import type { DrillReport } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import type { OwnHint } from '../errors/hints.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { withStore } from '../store/open.ts';
import { parseCount } from '../call/parse-values.ts';
import { isLossFound, lostInWords } from '../backup/lost-words.ts';
import { refuseToReplace, writeReceipt } from '../backup/receipt-file.ts';
import { withHints } from '../errors/refuse.ts';
import { count, formatBytes, formatDuration, formatTime, printable } from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

export interface DrillOptions {
  readonly snapshot?: string;
  readonly scratch?: string;
  readonly receipt?: string;
}

/** What to do about a backup that cannot be restored. */
function hintsFor(destination: string): OwnHint[] {
  return [
    {
      text: 'to see what is damaged, and have the next backup there copy everything again',
      on: ['verify', destination],
      options: { payloads: true },
    },
    { text: 'then, while the store is there', on: ['backup', destination] },
    { text: 'to try an earlier snapshot, give --snapshot NUMBER' },
  ];
}

/** What to do about a backup that cannot be relied on. */
function whatNext(commands: Commands, destination: string, { objects, snapshot }: DrillReport): string[] {
  const verify = printable(commands.on(['verify', destination], { payloads: true }));
  const backup = printable(commands.on(['backup', destination]));
  const intact = commands.elsewhere(['restore', destination], { snapshot: `${snapshot}`, to: 'URL', partial: true });
  return [
    ...(objects === 0 ? [] : [`to restore what is intact to a new store: ${printable(intact)}`]),
    `to list the damage, and have the next backup there copy everything again: ${verify}; ` +
      `then, while the store exists: ${backup}; to try an earlier snapshot: drill --snapshot`,
  ];
}

function inWords(report: DrillReport, commands: Commands, destination: string): string[] {
  const { ok, snapshot, time, recovery, objects, total = objects, versions, bytes, compared, found } = report;
  const verdict = ok
    ? 'the backup can be restored'
    : `snapshot ${snapshot} cannot be relied on: ${count(found, 'finding')}`;
  // Without findings, what is not restored had its encryption keys destroyed.
  const restored = ok || objects >= total ? count(objects, 'object') : `${objects} of ${count(total, 'object')}`;
  const what = `${restored} in ${count(versions, 'version')}, ${formatBytes(bytes)}`;
  return [
    verdict,
    `restored snapshot ${snapshot} of ${formatTime(new Date(time))} in ${formatDuration(recovery / 1000)}: ${what}`,
    `compared ${count(compared, 'object')} with the store as it was then`,
    ...(ok ? [] : whatNext(commands, destination, report)),
  ];
}

/** A problem with the name of its object, where that may be known. */
function named(problem: string, { names }: DrillReport): string {
  return problem.replace(/^object ([0-9a-f]+)/, (as, id: string) => {
    const name = Object.hasOwn(names, id) ? names[id] : undefined;
    return name === undefined ? as : JSON.stringify(name);
  });
}

/** `securestore drill`. */
export async function drill(call: Call<DrillOptions>, destination: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  cli.keepMemoryLow?.();
  if (options.receipt !== undefined) await refuseToReplace(options.receipt, options.yes);
  return await withStore(call, async (store) => {
    const { snapshot, scratch, receipt } = options;
    const job = store.backups.drill(destination, {
      ...(snapshot === undefined ? {} : { snapshot: parseCount('--snapshot', snapshot) }),
      ...(scratch === undefined ? {} : { scratch }),
      signal: cli.signal,
    });
    const report = await watchJob(cli, 'drill', job).catch((error: unknown) => {
      throw SecureStoreError.is(error, 'INTEGRITY') ? withHints(error, ...hintsFor(destination)) : error;
    });
    for (const problem of report.problems) {
      const told = named(problem, report);
      await out.result({ problem: told, status: 'failed' }, () => `finding: ${printable(told)}`);
    }
    const commands = new Commands(call);
    for (const line of lostInWords({ missing: report.missing }, commands, destination)) out.note(line);
    await out.result({ summary: report }, () => inWords(report, commands, destination));
    if (receipt !== undefined) await writeReceipt(call, receipt, store.url, report.receipt);
    if (!report.ok) return exitCodeOf('INTEGRITY');
    return isLossFound({ missing: report.missing }) ? SOME_FAILED : 0;
  });
}
