import { exitCodeOf } from '@securestore/core-format';
import type { BackupFinding, BackupVerifyReport, VerifyDepth } from 'securestore';
import { withBackupSecret } from '../backup/backup-source.ts';
import type { Call, ExitCode } from '../call/call.ts';
import { discoveryOf } from '../store/discovery.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { startObjectProgress } from '../terminal/object-progress.ts';
import { loggerFor, withStore } from '../store/open.ts';
import { isRemote } from '../store/served.ts';
import { count, formatBytes, formatTime, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';

export interface VerifyOptions {
  readonly payloads?: boolean;
  readonly checkpoint?: boolean;
  readonly unchanged?: boolean;
  readonly rolling?: string;
}

const SERVER_VERIFIES = 'verify: waiting for the server';

function affected({ snapshots, versions, keys }: BackupFinding): string {
  if (snapshots.length === 0) return '';
  const names = keys.length === 0 ? '' : `: ${keys.map(printable).join(', ')}`;
  const which = `affects snapshot${snapshots.length === 1 ? '' : 's'} ${snapshots.join(', ')}`;
  return versions === 0 ? `; ${which}` : `; ${which}, ${count(versions, 'version')}${names}`;
}

const WHOLE: Readonly<Record<VerifyDepth, string>> = {
  unchanged:
    'every file is as it was written; to detect missing files, give an unlock secret and leave out --unchanged',
  complete: 'every file is as it was written; to decrypt them too, add --payloads',
  opens: 'everything in the newest snapshot was decrypted',
};

/** Where checking everything a share at a time has got to. */
function progressOf({ total, checkedSince }: NonNullable<BackupVerifyReport['rolling']>): string {
  const since =
    checkedSince === undefined ? 'some of it was never read' : `all of it was read since ${formatTime(checkedSince)}`;
  return `this was what was due of ${formatBytes(total)}; ${since}`;
}

const WHAT_NEXT: readonly string[] = [
  'nothing here is repaired: back the store up to a new destination while it is there',
  'restore --snapshot restores a snapshot without findings, and --to with --partial the intact objects of any snapshot',
];

function inWords({
  ok,
  depth,
  found,
  findings,
  snapshots,
  files,
  bytes,
  decrypted,
  rolling,
}: BackupVerifyReport): string[] {
  const unlisted = found - findings.length;
  const more = unlisted === 0 ? '' : `, ${unlisted} of them not listed`;
  const verdict = ok ? 'nothing is wrong' : count(found, 'finding') + more;
  // Without a key a snapshot can't be told from what only says what was removed.
  const known = depth === 'unchanged' ? [] : [count(snapshots, 'snapshot')];
  const looked = [...known, count(files, 'file'), formatBytes(bytes)].join(', ');
  if (!ok) return [`${verdict} among ${looked}`, ...WHAT_NEXT];
  if (rolling !== undefined) return [`${verdict} among ${looked}`, progressOf(rolling)];
  const which = depth === 'opens' ? `${WHOLE[depth]}: ${count(decrypted, 'version')}` : WHOLE[depth];
  return [`${verdict} among ${looked}`, which];
}

/** `securestore verify`, of a backup. */
export async function verifyBackupAt(call: Call<VerifyOptions>, url: string): Promise<ExitCode> {
  const { cli, options } = call;
  cli.keepMemoryLow?.();
  const { verifyBackup } = await import('securestore');
  const depth = options.payloads === true ? 'opens' : 'complete';
  const report = await withBackupSecret(call, url, async (opened) =>
    watchJob(cli, 'verify', verifyBackup(url, { ...opened, depth })),
  );
  return say(call, report);
}

/** `securestore verify --rolling`: what was read when is kept in the store, which has to be there. */
export async function verifyShareAt(call: Call<VerifyOptions>, url: string, within: number): Promise<ExitCode> {
  const { cli } = call;
  cli.keepMemoryLow?.();
  return await withStore(call, async (store) => {
    const { backups } = store;
    if (isRemote(store)) {
      const report = backups.verify(url, { within, signal: cli.signal });
      return await say(call, await watchWait(cli, SERVER_VERIFIES, report));
    }
    using progress = startObjectProgress(cli, 'verify', 'files');
    return await say(call, await backups.verify(url, { within, signal: cli.signal, onProgress: progress.show }));
  });
}

/** `securestore verify`, of a backup that a server looks at. */
export async function verifyServedBackupAt(call: Call<VerifyOptions>, url: string): Promise<ExitCode> {
  const { cli, options } = call;
  const depth = options.payloads === true ? 'opens' : 'complete';
  return await withStore(call, async ({ backups }) =>
    say(call, await watchWait(cli, SERVER_VERIFIES, backups.verify(url, { depth, signal: cli.signal }))),
  );
}

/** `securestore verify --unchanged`. */
export async function scrubBackupAt(call: Call<VerifyOptions>, url: string): Promise<ExitCode> {
  const { cli } = call;
  cli.keepMemoryLow?.();
  const { verifyBackup } = await import('securestore');
  return say(
    call,
    await watchJob(
      cli,
      'verify',
      verifyBackup(url, { signal: cli.signal, logger: loggerFor(call), discovery: discoveryOf(call) }),
    ),
  );
}

async function say({ out }: Call, report: BackupVerifyReport): Promise<ExitCode> {
  const { findings, ...summary } = report;
  for (const finding of findings) {
    await out.result(finding, () => {
      return `${finding.kind}: ${printable(finding.name)}: ${printable(finding.message)}${affected(finding)}`;
    });
  }
  await out.result({ summary }, () => inWords(report));
  return report.ok ? 0 : exitCodeOf('INTEGRITY');
}
