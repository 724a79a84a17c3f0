import type { SecureStore } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { withStore, withStoreToDelete } from '../store/open.ts';
import { count, formatBytes, printable } from '../terminal/terminal-text.ts';

type GcReport = Awaited<ReturnType<SecureStore['gc']>>;

export interface GcOptions {
  readonly dryRun?: boolean;
}

function inWords(report: GcReport, isDryRun: boolean): string {
  const counts: [number, string, string?][] = [
    [report.versions, 'old version'],
    [report.expired, 'expired object'],
    [report.tombstones, 'forgotten deletion'],
    [report.blobs, 'unused payload'],
    [report.systemObjects, "object of the store's own", "objects of the store's own"],
  ];
  const removed = counts.filter(([number]) => number > 0).map((counted) => count(...counted));
  const checked = `checked ${count(report.objects, 'object')}`;
  const failed = report.failed === 0 ? '' : `; ${report.failed} could not be checked`;
  const note = isDryRun ? ' (dry run: nothing was changed)' : '';
  if (removed.length === 0 && report.bytes === 0) return `${checked}: nothing to remove${failed}${note}`;
  const what = removed.length === 0 ? '' : ` ${removed.join(', ')}:`;
  const done = isDryRun ? '; would remove' : ' and removed';
  return `${checked}${done}${what} ${formatBytes(report.bytes)}${failed}${note}`;
}

/** `securestore gc`. */
export async function gc(call: Call<GcOptions>): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { dryRun = false } = options;
  const open = dryRun ? withStore<ExitCode> : withStoreToDelete<ExitCode>;
  return await open(call, async (store) => {
    const report = await watchJob(cli, 'gc', store.gc({ dryRun, signal: cli.signal }));
    const { failures, ...summary } = report;
    for (const failure of failures) {
      await out.result({ ...failure, status: 'failed' }, () => `failed: ${printable(failure.name)} [${failure.code}]`);
    }
    await out.result({ summary: { ...summary, ...(dryRun && { dryRun }) } }, () => inWords(report, dryRun));
    return report.failed === 0 ? 0 : SOME_FAILED;
  });
}
