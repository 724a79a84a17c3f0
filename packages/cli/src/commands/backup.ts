import type { SnapshotReport } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call.ts';
import { watchJob } from '../job-progress.ts';
import { withStore } from '../open.ts';
import { count, formatBytes, formatTime, printable } from '../terminal-text.ts';

export interface BackupOptions {
  readonly label?: string;
}

function inWords({ number, time, objects, versions, bytes, copied, rekeyed }: SnapshotReport): string[] {
  const holds = `${count(objects, 'object')} in ${count(versions, 'version')}, ${formatBytes(bytes)}`;
  const changed =
    copied.versions === 0
      ? 'nothing had changed'
      : `copied ${count(copied.versions, 'version')}, ${formatBytes(copied.bytes)}`;
  const keys = rekeyed === 0 ? [] : [`brought ${count(rekeyed, 'version')} of before under the new keys`];
  return [`made snapshot ${number} of ${formatTime(time)}: ${holds}`, changed, ...keys];
}

/** `securestore backup`. */
export async function backup(call: Call<BackupOptions>, destination: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  return await withStore(call, async (store) => {
    const { label } = options;
    const job = store.backup(destination, { ...(label === undefined ? {} : { label }), signal: cli.signal });
    const report = await watchJob(cli, 'backup', job);
    const { failed, alarms, ...summary } = report;
    for (const { name, code, message } of failed) {
      await out.result({ name, code, message, status: 'failed' }, () => {
        return `failed: ${printable(name)}: ${printable(message)} [${code}]`;
      });
    }
    for (const alarm of alarms) out.note(`warning: ${printable(alarm)}; run securestore verify on the store`);
    await out.result({ summary: { ...summary, alarms } }, () => inWords(report));
    return failed.length === 0 ? 0 : SOME_FAILED;
  });
}
