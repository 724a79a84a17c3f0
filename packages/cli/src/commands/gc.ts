import type { SecureStore } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { withStoreToDelete } from '../store/open.ts';
import { count, formatBytes, printable } from '../terminal/terminal-text.ts';

type GcReport = Awaited<ReturnType<SecureStore['gc']>>;

function inWords(report: GcReport): string {
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
  if (removed.length === 0 && report.bytes === 0) return `${checked}: nothing to remove${failed}`;
  const what = removed.length === 0 ? '' : ` ${removed.join(', ')}:`;
  return `${checked} and removed${what} ${formatBytes(report.bytes)}${failed}`;
}

/** `securestore gc`. */
export async function gc(call: Call): Promise<ExitCode> {
  const { cli, out } = call;
  return await withStoreToDelete(call, async (store) => {
    const report = await watchJob(cli, 'gc', store.gc({ signal: cli.signal }));
    const { failures, ...summary } = report;
    for (const failure of failures) {
      await out.result({ ...failure, status: 'failed' }, () => `failed: ${printable(failure.name)} [${failure.code}]`);
    }
    await out.result({ summary }, () => inWords(report));
    return report.failed === 0 ? 0 : SOME_FAILED;
  });
}
