import { type Call, type ExitCode, SOME_FAILED } from '../call.ts';
import { watchJob } from '../job-progress.ts';
import { withStoreToDelete } from '../open.ts';
import { count, formatBytes, printable } from '../terminal-text.ts';

/** `securestore collect`. */
export async function collect(call: Call): Promise<ExitCode> {
  const { cli, out } = call;
  return await withStoreToDelete(call, async (store) => {
    const report = await watchJob(cli, 'collect', store.collect({ signal: cli.signal }));
    const { failures, ...summary } = report;
    for (const failure of failures) {
      await out.result({ ...failure, status: 'failed' }, () => `failed: ${printable(failure.name)} [${failure.code}]`);
    }
    await out.result({ summary }, () => {
      const removed = [
        count(report.versions, 'old version'),
        count(report.expired, 'expired object'),
        count(report.tombstones, 'forgotten deletion'),
        count(report.blobs, 'unused payload'),
        count(report.systemObjects, "object of the store's own", "objects of the store's own"),
      ].join(', ');
      const failed = report.failed === 0 ? '' : `; ${report.failed} could not be looked at`;
      return `looked at ${count(report.objects, 'object')} and removed ${removed}: ${formatBytes(report.bytes)}${failed}`;
    });
    return report.failed === 0 ? 0 : SOME_FAILED;
  });
}
