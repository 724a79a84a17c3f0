import type { ContinuousStatus, SecureStore, SnapshotReport } from 'securestore';
import { exitCodeOf } from '@securestore/core-format';
import { forgottenInWords, lostInWords } from '../backup/lost-words.ts';
import { Commands } from '../errors/hints.ts';
import { refuseMemory, whoIsAtIt } from '../backup/backup-place.ts';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { noteOlderKits } from './kits.ts';
import { sayFailed } from '../call/failed-items.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { loggerFor, withStore } from '../store/open.ts';
import { isRemote, notServed } from '../store/served.ts';
import { count, formatBytes, formatTime, printable } from '../terminal/terminal-text.ts';

export interface BackupOptions {
  readonly label?: string;
  readonly continuous?: boolean;
  readonly takeOver?: boolean;
}

function inWords({ number, time, objects, versions, bytes, copied, rewrapped }: SnapshotReport): string[] {
  const holds = `${count(objects, 'object')} in ${count(versions, 'version')}, ${formatBytes(bytes)}`;
  const nothing = versions === 0 ? 'the store is empty' : 'nothing had changed';
  const changed =
    copied.versions === 0 ? nothing : `copied ${count(copied.versions, 'version')}, ${formatBytes(copied.bytes)}`;
  const keys =
    rewrapped === 0 ? [] : [`rewrapped ${count(rewrapped, 'older version')} under the current encryption keys`];
  return [`made snapshot ${number} of ${formatTime(time)}: ${holds}`, changed, ...keys];
}

/** How often a person is told how far it is. */
const TELL_EVERY_MS = 10_000;

function stoppedInWords({ recoverableTo, error }: ContinuousStatus, destination: string): string {
  const place = printable(destination);
  const reached =
    recoverableTo === undefined
      ? `nothing is at ${place} yet`
      : `everything up to ${recoverableTo.toISOString()} is at ${place}`;
  const missing = error === undefined ? '' : `, and not what came after: ${printable(error.message)} [${error.code}]`;
  return `stopped; ${reached}${missing}; the same command resumes`;
}

/** Backs up continuously until it is interrupted. */
async function follow({ cli, out }: Call<BackupOptions>, store: SecureStore, destination: string): Promise<ExitCode> {
  if (isRemote(store)) notServed('backup --continuous');
  let told = 0;
  let failing = false;
  const say = (status: ContinuousStatus): void => {
    const { recoverableTo, lag, error } = status;
    const now = cli.now().getTime();
    const isNews = (error !== undefined) !== failing;
    // That it fails is said once, and that it goes on again.
    if (!isNews && (failing || now - told < TELL_EVERY_MS)) return;
    failing = error !== undefined;
    told = now;
    const until = recoverableTo === undefined ? 'nothing yet' : `to ${recoverableTo.toISOString()}`;
    const behind = lag === undefined ? '' : `, ${(lag / 1000).toFixed(1)} s behind`;
    const why = error === undefined ? '' : `; ${printable(error.message)} [${error.code}]; it is tried again and again`;
    void out.result({ status }, () => `recoverable ${until}${behind}${why}`);
  };
  const following = store.backups.startContinuous(destination, { onStatus: say, signal: cli.signal });
  const continuous = await following.catch(async (error: unknown) => {
    throw await whoIsAtIt(store, error);
  });
  out.note('backing up continuously; press Ctrl-C to stop');
  // It ends with the signal, or by itself, where it can't go on.
  await continuous.ended.catch((error: unknown) => {
    if (!cli.signal.aborted) throw error;
  });
  const { status } = continuous;
  await out.result({ stopped: true, destination, status }, () => stoppedInWords(status, destination));
  return exitCodeOf('ABORTED');
}

/** `securestore backup`. */
export async function backup(call: Call<BackupOptions>, destination: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  refuseMemory(destination);
  cli.keepMemoryLow?.();
  if (options.continuous === true) {
    // It goes on for long: that its secret was read again, or a destination is reached again, is worth knowing.
    const logger = { ...loggerFor(call), info: (_fields: object, message: string): void => out.note(message) };
    return await withStore(call, (store) => follow(call, store, destination), undefined, { logger });
  }
  return await withStore(call, async (store) => {
    const { label, takeOver } = options;
    const job = store.backup(destination, {
      ...(label === undefined ? {} : { label }),
      ...(takeOver === true && { takeOver }),
      signal: cli.signal,
    });
    const report = await watchJob(cli, 'backup', job).catch(async (error: unknown) => {
      throw await whoIsAtIt(store, error);
    });
    const { failed, findings, ...summary } = report;
    await sayFailed(out, failed);
    const lines = [...lostInWords(report, new Commands(call), report.destination), ...forgottenInWords(report)];
    for (const line of lines) out.note(line);
    await out.result({ summary: { ...summary, findings } }, () => inWords(report));
    if (report.number === 1) await noteOlderKits(call, store);
    return failed.length + findings.length === 0 ? 0 : SOME_FAILED;
  });
}
