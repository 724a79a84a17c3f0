import { exitCodeOf, pointNumber, SecureStoreError } from '@securestore/core-format';
import type { BackupFinding, BackupVerifyReport, VerifyDepth } from 'securestore';
import { withBackupSecret } from '../backup/backup-source.ts';
import type { Call, ExitCode } from '../call/call.ts';
import { discoveryOf } from '../store/discovery.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { startObjectProgress } from '../terminal/object-progress.ts';
import { Commands } from '../errors/hints.ts';
import { hasOwnStore, loggerFor, withStore } from '../store/open.ts';
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

const NOT_BY_STORE =
  'the store does not know of it: give the store without --unchanged, and its next backup here copies everything again; or back it up to a new destination';

/** The store remembers a verification that it has made. */
const TO_SAME_DESTINATION = 'the next backup of the store to this destination copies everything again';
const NEWEST_IS_GONE =
  'the next backup of the store to this destination reads the whole store; snapshots that are gone do not come back';
const NEWEST_IS_INTACT = 'the newest snapshot needs none of it; nothing repairs the older ones';

/** Whether the own file of a snapshot is damaged. */
function isUnreadable({ kind, name }: BackupFinding): boolean {
  return kind === 'damaged' && pointNumber(name) !== undefined;
}

/** How older snapshots go that are damaged: only one whose own file cannot be read goes for that alone. */
function toRemove(findings: readonly BackupFinding[], commands: Commands, url: string): string[] {
  const affecting = findings.filter(({ snapshots }) => snapshots.length > 0);
  const damaged = affecting.some((finding) => isUnreadable(finding));
  const retention = (options: Readonly<Record<string, string>>): string =>
    printable(commands.on(['retention', url], { ...(damaged && { damaged }), ...options, 'dry-run': true }));
  return [
    ...(damaged ? [`to see which of them retention removes as damaged: ${retention({})}`] : []),
    ...(affecting.some(({ kind, name }) => kind !== 'rolled-back' && pointNumber(name) === undefined)
      ? [
          `the others go when no rule keeps them; to see what a rule would remove: ${retention({ 'keep-last': 'COUNT' })}`,
        ]
      : []),
  ];
}

const WHAT_NEXT: readonly string[] = [
  'restore --snapshot restores a snapshot without findings, and --to with --partial the intact objects of any snapshot',
];

/** @param removal how damaged snapshots go; `undefined` if the store does not know of the verification */
function inWords(
  { ok, depth, found, findings, snapshots, files, bytes, decrypted, rolling, affectsNewest }: BackupVerifyReport,
  removal: readonly string[] | undefined,
): string[] {
  const isByStore = removal !== undefined;
  const unlisted = found - findings.length;
  const more = unlisted === 0 ? '' : `, ${unlisted} of them not listed`;
  const verdict = ok ? 'nothing is wrong' : count(found, 'finding') + more;
  // Without a key a snapshot can't be told from what only says what was removed.
  const known = depth === 'unchanged' ? [] : [count(snapshots, 'snapshot')];
  const looked = [...known, count(files, 'file'), formatBytes(bytes)].join(', ');
  const isGone = findings.some((finding) => finding.kind === 'rolled-back' && finding.snapshots.length === 0);
  const ofOthers = isGone ? [NEWEST_IS_GONE] : [NEWEST_IS_INTACT, ...(removal ?? [])];
  const byStore = affectsNewest === false ? ofOthers : [TO_SAME_DESTINATION];
  const repair = isByStore ? byStore : [NOT_BY_STORE];
  if (!ok) return [`${verdict} among ${looked}`, ...repair, ...WHAT_NEXT];
  if (rolling !== undefined) return [`${verdict} among ${looked}`, progressOf(rolling)];
  const which = depth === 'opens' ? `${WHOLE[depth]}: ${count(decrypted, 'version')}` : WHOLE[depth];
  return [`${verdict} among ${looked}`, which];
}

/**
 * The report of a verification by the store itself, which remembers the result for its health and its next backup; `undefined` if no store is
 * given, it cannot be opened, or this is no destination of it.
 */
async function verifyByStore(
  call: Call<VerifyOptions>,
  url: string,
  depth: 'complete' | 'opens',
): Promise<BackupVerifyReport | undefined> {
  if (!(await hasOwnStore(call))) return undefined;
  const { cli } = call;
  let isOpen = false;
  try {
    return await withStore(call, async ({ backups }) => {
      isOpen = true;
      if (!backups.isRegistered(url)) return undefined;
      using progress = startObjectProgress(cli, 'verify', 'files');
      return await backups.verify(url, { depth, signal: cli.signal, onProgress: progress.show });
    });
  } catch (error) {
    // A backup is verified also if the store is lost.
    if (isOpen || cli.signal.aborted || !SecureStoreError.is(error)) throw error;
    return undefined;
  }
}

/** `securestore verify`, of a backup. */
export async function verifyBackupAt(call: Call<VerifyOptions>, url: string): Promise<ExitCode> {
  const { cli, options } = call;
  cli.keepMemoryLow?.();
  const depth = options.payloads === true ? 'opens' : 'complete';
  const known = await verifyByStore(call, url, depth);
  if (known !== undefined) return say(call, url, known);
  const { verifyBackup } = await import('securestore');
  const report = await withBackupSecret(call, url, async (opened) =>
    watchJob(cli, 'verify', verifyBackup(url, { ...opened, depth })),
  );
  return say(call, url, report, false);
}

/** `securestore verify --rolling`: what was read when is kept in the store, which has to be there. */
export async function verifyShareAt(call: Call<VerifyOptions>, url: string, within: number): Promise<ExitCode> {
  const { cli } = call;
  cli.keepMemoryLow?.();
  return await withStore(call, async (store) => {
    const { backups } = store;
    if (isRemote(store)) {
      const report = backups.verify(url, { within, signal: cli.signal });
      return await say(call, url, await watchWait(cli, SERVER_VERIFIES, report));
    }
    using progress = startObjectProgress(cli, 'verify', 'files');
    return await say(call, url, await backups.verify(url, { within, signal: cli.signal, onProgress: progress.show }));
  });
}

/** `securestore verify`, of a backup that a server looks at. */
export async function verifyServedBackupAt(call: Call<VerifyOptions>, url: string): Promise<ExitCode> {
  const { cli, options } = call;
  const depth = options.payloads === true ? 'opens' : 'complete';
  return await withStore(call, async ({ backups }) =>
    say(call, url, await watchWait(cli, SERVER_VERIFIES, backups.verify(url, { depth, signal: cli.signal }))),
  );
}

/** `securestore verify --unchanged`. */
export async function scrubBackupAt(call: Call<VerifyOptions>, url: string): Promise<ExitCode> {
  const { cli } = call;
  cli.keepMemoryLow?.();
  const { verifyBackup } = await import('securestore');
  return say(
    call,
    url,
    await watchJob(
      cli,
      'verify',
      verifyBackup(url, { signal: cli.signal, logger: loggerFor(call), discovery: discoveryOf(call) }),
    ),
    false,
  );
}

async function say(call: Call, url: string, report: BackupVerifyReport, isByStore = true): Promise<ExitCode> {
  const { out } = call;
  const { findings, ...summary } = report;
  for (const finding of findings) {
    await out.result(finding, () => {
      return `${finding.kind}: ${printable(finding.name)}: ${printable(finding.message)}${affected(finding)}`;
    });
  }
  const removal = isByStore ? toRemove(findings, new Commands(call), url) : undefined;
  await out.result({ summary }, () => inWords(report, removal));
  return report.ok ? 0 : exitCodeOf('INTEGRITY');
}
