import type { ContinuousStatus, SecureStore, SnapshotReport } from 'securestore';
import { SecureStoreError } from '@securestore/core-format';
import { type Call, type ExitCode, SOME_FAILED } from '../call.ts';
import { sayFailed } from '../failed-items.ts';
import { watchJob } from '../job-progress.ts';
import { withStore } from '../open.ts';
import { count, formatBytes, formatTime, printable } from '../terminal-text.ts';

export interface BackupOptions {
  readonly label?: string;
  readonly follow?: boolean;
}

function inWords({ number, time, objects, versions, bytes, copied, rekeyed }: SnapshotReport): string[] {
  const holds = `${count(objects, 'object')} in ${count(versions, 'version')}, ${formatBytes(bytes)}`;
  const nothing = versions === 0 ? 'the store is empty' : 'nothing had changed';
  const changed =
    copied.versions === 0 ? nothing : `copied ${count(copied.versions, 'version')}, ${formatBytes(copied.bytes)}`;
  const keys = rekeyed === 0 ? [] : [`brought ${count(rekeyed, 'version')} of before under the new keys`];
  return [`made snapshot ${number} of ${formatTime(time)}: ${holds}`, changed, ...keys];
}

/** How often a person is told how far it is. */
const TELL_EVERY_MS = 10_000;

/** Backs up continuously until it is interrupted. */
async function follow({ cli, out }: Call<BackupOptions>, store: SecureStore, destination: string): Promise<ExitCode> {
  let told = 0;
  let failing = false;
  const say = (status: ContinuousStatus): void => {
    const { recoverableTo, lag, error } = status;
    const now = cli.now().getTime();
    if (error === undefined && !failing && now - told < TELL_EVERY_MS) return;
    if (error !== undefined && failing && now - told < TELL_EVERY_MS) return;
    failing = error !== undefined;
    told = now;
    const until = recoverableTo === undefined ? 'nothing yet' : `to ${recoverableTo.toISOString()}`;
    const behind = lag === undefined ? '' : `, ${(lag / 1000).toFixed(1)} s behind`;
    const why = error === undefined ? '' : `; ${printable(error.message)} [${error.code}]`;
    void out.result({ status }, () => `recoverable ${until}${behind}${why}`);
  };
  const continuous = await store.backups.follow(destination, { onStatus: say, signal: cli.signal });
  out.note('backing up continuously; press Ctrl-C to stop');
  await new Promise<void>((resolve) => {
    if (cli.signal.aborted) resolve();
    else cli.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await continuous.stop().catch((error: unknown) => {
    if (!cli.signal.aborted) throw error;
  });
}

/** `securestore backup`. */
export async function backup(call: Call<BackupOptions>, destination: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  if (/^memory:/i.test(destination)) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      'what is in memory: is gone when this command ends; back up to another location',
    );
  }
  return await withStore(call, async (store) => {
    if (options.follow === true) return await follow(call, store, destination);
    const { label } = options;
    const job = store.backup(destination, { ...(label === undefined ? {} : { label }), signal: cli.signal });
    const report = await watchJob(cli, 'backup', job);
    const { failed, alarms, ...summary } = report;
    await sayFailed(out, failed);
    for (const alarm of alarms) out.note(`warning: ${printable(alarm)}; run securestore verify on the store`);
    await out.result({ summary: { ...summary, alarms } }, () => inWords(report));
    return failed.length === 0 ? 0 : SOME_FAILED;
  });
}
