import { exitCodeOf } from '@securestore/core-format';
import type { DrillReport } from 'securestore';
import { writeOutputFile } from '../atomic-file.ts';
import type { Call, ExitCode } from '../call.ts';
import { watchJob } from '../job-progress.ts';
import { withStore } from '../open.ts';
import { ownFiles } from '../own-files.ts';
import { parseCount } from '../parse-values.ts';
import { count, formatBytes, formatDuration, printable } from '../terminal-text.ts';

export interface DrillOptions {
  readonly snapshot?: string;
  readonly scratch?: string;
  readonly receipt?: string;
}

function inWords(report: DrillReport): string[] {
  const { ok, snapshot, time, recovery, objects, versions, bytes, compared, found } = report;
  const verdict = ok ? 'the backup can be restored' : `the backup is bad: ${count(found, 'problem')}`;
  const what = `${count(objects, 'object')} in ${count(versions, 'version')}, ${formatBytes(bytes)}`;
  return [
    verdict,
    `restored snapshot ${snapshot} of ${time} in ${formatDuration(recovery / 1000)}: ${what}`,
    `compared ${count(compared, 'object')} with the store as it was then`,
  ];
}

async function writeReceipt({ cli, out }: Call, path: string, location: string, report: DrillReport): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(report.receipt, undefined, 2)}\n`);
  const source = (async function* whole() {
    yield text;
  })();
  await writeOutputFile(path, source, cli.random, await ownFiles(location));
  out.note(`wrote the receipt, signed by the store, to ${printable(path)}`);
}

/** `securestore drill`. */
export async function drill(call: Call<DrillOptions>, destination: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  return await withStore(call, async (store) => {
    const { snapshot, scratch, receipt } = options;
    const job = store.backups.drill(destination, {
      ...(snapshot === undefined ? {} : { snapshot: parseCount('--snapshot', snapshot) }),
      ...(scratch === undefined ? {} : { scratch }),
      signal: cli.signal,
    });
    const report = await watchJob(cli, 'drill', job);
    for (const problem of report.problems) {
      await out.result({ problem, status: 'failed' }, () => `problem: ${printable(problem)}`);
    }
    await out.result({ summary: report }, () => inWords(report));
    if (receipt !== undefined) await writeReceipt(call, receipt, store.location, report);
    return report.ok ? 0 : exitCodeOf('INTEGRITY');
  });
}
