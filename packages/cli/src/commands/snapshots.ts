import type { RecoveryWindow, SnapshotInfo } from 'securestore';
import { withBackupSecret } from '../backup/backup-source.ts';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { isForServer, withStore } from '../store/open.ts';
import {
  count,
  cutTo,
  formatAge,
  formatBytes,
  formatDuration,
  formatTable,
  formatTime,
  widthOf,
  printable,
} from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

export interface SnapshotsOptions {
  readonly windows?: boolean;
}

const NOTHING_YET = 'there is no snapshot here yet';

const COLUMNS = [
  { title: 'SNAPSHOT', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'TIME' },
  { title: 'OBJECTS', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'COPIED', align: 'right' },
  { title: 'LABEL' },
] as const;

function row(info: SnapshotInfo, now: Date, shown: (text: string) => string): string[] {
  const { number, time, objects, bytes, copied, label } = info;
  const age = formatAge((now.getTime() - time.getTime()) / 1000);
  return [
    String(number),
    age,
    formatTime(time),
    String(objects),
    formatBytes(bytes),
    formatBytes(copied),
    shown(label),
  ];
}

const WINDOW_COLUMNS = [
  { title: 'FROM' },
  { title: 'TO' },
  { title: 'POINTS', align: 'right' },
  { title: 'GAP BEFORE', align: 'right' },
] as const;

/** Windows, the newest first, and in milliseconds what lies between each and the one before it. */
export function withGaps(windows: readonly RecoveryWindow[]): (RecoveryWindow & { readonly gapBefore?: number })[] {
  return windows.map((window, at) => {
    const before = windows[at + 1];
    return before === undefined ? window : { ...window, gapBefore: window.from.getTime() - before.to.getTime() };
  });
}

/** What can be restored, in lines. @param now by the clock of here */
export function windowsInWords(windows: readonly RecoveryWindow[], now: Date): string[] {
  const rows = withGaps(windows).map(({ from, to, recoveryPoints, gapBefore }) => {
    const gap = gapBefore === undefined ? '' : formatDuration(gapBefore / 1000);
    return [from.toISOString(), to.toISOString(), String(recoveryPoints), gap];
  });
  const [newest] = windows;
  if (newest === undefined) return [];
  const gaps = windows.length - 1;
  const known =
    gaps === 0 ? [] : [`restore --at a time in ${gaps === 1 ? 'the gap' : 'a gap'} gives the state before it`];
  return [
    ...formatTable(WINDOW_COLUMNS, rows),
    [count(windows.length, 'window'), ...(gaps === 0 ? [] : [count(gaps, 'gap')])].join(', '),
    ...known,
    `recoverable to ${newest.to.toISOString()}, lag ${formatDuration(lagOf(newest, now) / 1000)}`,
  ];
}

function lagOf({ to }: RecoveryWindow, now: Date): number {
  return Math.max(0, now.getTime() - to.getTime());
}

async function windowsAt(call: Call, url: string): Promise<readonly RecoveryWindow[]> {
  if (await isForServer(call)) {
    const { signal } = call.cli;
    return await withStore(
      call,
      async ({ recoveryPoints }) => (await recoveryPoints.timeline(url, { limit: 1, signal })).windows,
    );
  }
  const { listWindows } = await import('securestore');
  return await withBackupSecret(call, url, (options) => listWindows(url, options));
}

/** Told of a snapshot that is damaged, and what is known of that. */
type Damaged = (number: number, message: string) => unknown;

/** The snapshots at a destination, over a server: as the console has them, for the same right. */
async function snapshotsServed(call: Call, url: string, onDamaged: Damaged): Promise<readonly SnapshotInfo[]> {
  const { signal } = call.cli;
  return await withStore(call, async ({ recoveryPoints }) => {
    const found: SnapshotInfo[] = [];
    const damaged = new Set<number>();
    for (let before: number | undefined, hasMore = true; hasMore; hasMore = before !== undefined) {
      const page = await recoveryPoints.timeline(url, { before, limit: 1000, signal });
      found.push(...page.snapshots);
      for (const number of page.damaged) damaged.add(number);
      before = page.before;
    }
    for (const number of damaged) onDamaged(number, 'it is damaged');
    return found;
  });
}

async function snapshotsAt(call: Call, url: string, onDamaged: Damaged): Promise<readonly SnapshotInfo[]> {
  if (await isForServer(call)) return await snapshotsServed(call, url, onDamaged);
  const { listSnapshots } = await import('securestore');
  return await withBackupSecret(call, url, (options) =>
    listSnapshots(url, { ...options, onDamaged: (number, { message }) => onDamaged(number, message) }),
  );
}

async function sayWindows(call: Call, url: string): Promise<void> {
  const { cli, out } = call;
  const found = await windowsAt(call, url);
  const [newest] = found;
  if (newest === undefined) return out.note(NOTHING_YET);
  if (!out.json) return await out.result({}, () => windowsInWords(found, cli.now()));
  for (const window of withGaps(found)) await out.result(window, () => []);
  const summary = { windows: found.length, recoverableTo: newest.to, lag: lagOf(newest, cli.now()) };
  await out.result({ summary }, () => []);
}

/** `securestore snapshots`. */
export async function snapshots(call: Call<SnapshotsOptions>, url: string): Promise<ExitCode> {
  if (call.options.windows === true) {
    await sayWindows(call, url);
    return 0;
  }
  const { out } = call;
  const damaged = new Map<number, string>();
  const found = await snapshotsAt(call, url, (number, message) => damaged.set(number, message));
  await list(call, found);
  for (const [number, message] of damaged) {
    if (out.json) await out.result({ number, damaged: true, message }, () => []);
    else out.note(`damaged: ${number}: ${message}`);
  }
  if (damaged.size > 0) noteDamaged(call, url);
  if (found.length > 0) out.note(countOf(found));
  return damaged.size === 0 ? 0 : SOME_FAILED;
}

function noteDamaged(call: Call, url: string): void {
  const { out } = call;
  const commands = new Commands(call);
  const verify = printable(commands.on(['verify', url]));
  const remove = printable(commands.on(['retention', url], { damaged: true }));
  out.note(`to see what it affects: ${verify}`);
  out.note(`the next backup is whole without it; to remove it: ${remove}`);
}

/** Counted as retention does: what a continuous backup has published in between are moments of it. */
function countOf(found: readonly SnapshotInfo[]): string {
  const all = found.filter(({ kind }) => kind === 'snapshot');
  const moments = found.length - all.length;
  const copied = found.reduce((sum, info) => sum + info.copied, 0);
  if (moments === 0) {
    const what = copied === 0 ? 'nothing was copied: earlier ones had copied it' : `${formatBytes(copied)} were copied`;
    return `${count(all.length, 'snapshot')}, for which ${what}`;
  }
  const what = `${count(all.length, 'snapshot')} and ${count(moments, 'recovery point')} between them`;
  return `${what}; --windows shows which times restore --at can restore`;
}

async function list({ cli, out }: Call, found: readonly SnapshotInfo[]): Promise<void> {
  if (out.json) for (const info of found) await out.result(info, () => []);
  else if (found.length === 0) out.note(NOTHING_YET);
  else {
    const rows = found.filter(({ kind }) => kind === 'snapshot').map((info) => row(info, cli.now(), out.name));
    if (rows.length === 0) return;
    const width = cli.stdout.isTTY === true ? widthOf(cli.stdout) : Infinity;
    await out.result({}, () => formatTable(COLUMNS, rows).map((line) => cutTo(width, line)));
  }
}
