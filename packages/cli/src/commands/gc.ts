import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore, Settings, SettingsChange } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { withStore, withStoreToDelete } from '../store/open.ts';
import { isRemote } from '../store/served.ts';
import { refuse } from '../errors/refuse.ts';
import { changeIn, type SettingsOptions } from './settings.ts';
import { ownersOf, otherCopyLines } from '../access/pending-backups.ts';
import { Commands } from '../errors/hints.ts';
import { count, formatBytes, printable } from '../terminal/terminal-text.ts';

type GcReport = Awaited<ReturnType<SecureStore['gc']>>;

export interface GcOptions extends Pick<SettingsOptions, 'historyVersions' | 'historyDays'> {
  readonly dryRun?: boolean;
}

/**
 * Why a version was kept, in the order in which the reasons are checked.
 *
 * @param destinations of backups, each of which may have to read versions before they are removed
 * @param stay what the versions do
 */
export function keptText(
  { versions, days }: Partial<Settings['history']>,
  kept: GcReport['kept'],
  destinations: readonly string[] = [],
  stay = 'would stay',
): string {
  const backups = destinations.length === 0 ? 'a backup' : `a backup to ${destinations.join(' or ')}`;
  const total = Object.values(kept).reduce((sum, number) => sum + number, 0);
  if (total === 0) return 'no older versions are kept';
  const reasons: [number, string][] = [
    [kept.young, 'younger than a day'],
    [kept.unread, `not yet read by ${backups}, a migration or another reader of the journal`],
    [kept.newest, `among the newest ${versions ?? 'versions'} of their objects`],
    [kept.recent, days === undefined ? 'replaced recently' : `replaced less than ${count(days, 'day')} ago`],
  ];
  const shown = reasons.filter(([number]) => number > 0).map(([number, reason]) => `${number} ${reason}`);
  return `${count(total, 'older version')} ${stay}: ${shown.join(', ')}`;
}

/** The history to try. @throws `INVALID_ARGUMENT` without a dry run */
function historyIn({ dryRun, historyVersions, historyDays }: GcOptions): SettingsChange['history'] {
  const { history } = changeIn({
    ...(historyVersions !== undefined && { historyVersions }),
    ...(historyDays !== undefined && { historyDays }),
  });
  if (history === undefined || dryRun === true) return history;
  return refuse('--history-versions and --history-days only try a history: add --dry-run', {
    text: 'to change the history of the store',
    on: ['settings', 'change'],
    options: { 'history-versions': 'N' },
  });
}

/** Counts of what a collection removes, such as "2 old versions"; none of what it has none of. */
function removedBy(report: GcReport): string[] {
  const counts: [number, string, string?][] = [
    [report.versions, 'old version'],
    [report.expired, 'expired object'],
    [report.tombstones, 'forgotten deletion'],
    [report.blobs, 'unused payload'],
    [report.systemObjects, "object of the store's own", "objects of the store's own"],
  ];
  return counts.filter(([number]) => number > 0).map((counted) => count(...counted));
}

function inWords(report: GcReport, isDryRun: boolean): string {
  const removed = removedBy(report);
  const checked = `checked ${count(report.objects, 'object')}`;
  const failed = report.failed === 0 ? '' : `; ${report.failed} could not be checked`;
  const note = isDryRun ? ' (dry run: nothing was changed)' : '';
  if (removed.length === 0 && report.bytes === 0) return `${checked}: nothing to remove${failed}${note}`;
  const what = removed.length === 0 ? '' : ` ${removed.join(', ')}:`;
  const done = isDryRun ? '; would remove' : ' and removed';
  return `${checked}${done}${what} ${formatBytes(report.bytes)}${failed}${note}`;
}

/** A little longer than no collection removes what was written: clocks may differ. */
const A_DAY: number = 25 * 60 * 60 * 1000;

/** The report of a collection in a day; `undefined` if it would find the same as now, or is not known. */
async function inADay(
  { cli }: Call,
  store: SecureStore,
  history: SettingsChange['history'],
  now: GcReport,
): Promise<GcReport | undefined> {
  // A server of an earlier release counts none, and looks no day ahead.
  if (!Object.hasOwn(now, 'kept') || now.kept.young === 0) return undefined;
  const later = store.gc({ dryRun: true, ...(history && { history }), ahead: A_DAY, signal: cli.signal });
  return await watchJob(cli, 'gc', later).catch((error: unknown) => {
    if (SecureStoreError.is(error, 'INVALID_ARGUMENT')) return undefined;
    throw error;
  });
}

function laterInWords(later: GcReport): string {
  const removed = removedBy(later);
  const what = removed.length === 0 ? 'nothing' : `${removed.join(', ')}: ${formatBytes(later.bytes)}`;
  return `in a day, if nothing changes until then: would remove ${what}`;
}

/** The destinations of the store, as far as the caller may ask for them without an attempt that a server would record. */
async function destinationsOf(store: SecureStore): Promise<string[]> {
  if (isRemote(store)) return [];
  return (await store.backups.destinations()).map(({ url }) => url);
}

/** Of destinations that no backup of this store reads for: the other copy of the store has them. */
async function neverRead(call: Call, store: SecureStore, destinations: readonly string[]): Promise<string[]> {
  if (destinations.length === 0) return [];
  const owners = await ownersOf(call, store);
  const commands = new Commands(call);
  return destinations
    .filter((url) => owners.has(url))
    .flatMap((url) => [
      printable(`no backup to ${url} will read them: it has the backups of another copy of the store`),
      ...otherCopyLines(commands, owners, url),
    ]);
}

/** Why versions stay: now, and in a day. */
async function noteKept(
  call: Call,
  store: SecureStore,
  history: Partial<Settings['history']>,
  { kept }: GcReport,
  later: GcReport | undefined,
): Promise<void> {
  const { out } = call;
  const isUnread = kept.unread > 0 || (later?.kept.unread ?? 0) > 0;
  const destinations = isUnread ? await destinationsOf(store) : [];
  const named = destinations.map(printable);
  out.note(keptText(history, kept, named));
  if (later !== undefined) {
    out.note(laterInWords(later));
    if (Object.values(later.kept).some((number) => number > 0)) {
      out.note(`in a day: ${keptText(history, later.kept, named)}`);
    }
  }
  for (const line of await neverRead(call, store, destinations)) out.note(line);
}

/** Why nothing was removed, if versions are too young to be. To look a day ahead would be a whole collection more. */
async function noteYoung(call: Call, store: SecureStore, report: GcReport): Promise<void> {
  // A server of an earlier release counts none.
  if (!Object.hasOwn(report, 'kept') || report.kept.young === 0 || removedBy(report).length > 0) return;
  const own = isRemote(store) ? undefined : await store.settings.get({ signal: call.cli.signal });
  const destinations = report.kept.unread > 0 ? await destinationsOf(store) : [];
  call.out.note(keptText({ ...own?.history }, report.kept, destinations.map(printable), 'stay'));
  const ahead = new Commands(call).on(['gc'], { 'dry-run': true });
  call.out.note(printable(`to see what goes in a day: ${ahead}`));
}

/** `securestore gc`. */
export async function gc(call: Call<GcOptions>): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { dryRun = false } = options;
  const history = historyIn(options);
  const open = dryRun ? withStore<ExitCode> : withStoreToDelete<ExitCode>;
  return await open(call, async (store) => {
    const report = await watchJob(cli, 'gc', store.gc({ dryRun, ...(history && { history }), signal: cli.signal }));
    const { failures, ...summary } = report;
    for (const failure of failures) {
      await out.result({ ...failure, status: 'failed' }, () => `failed: ${printable(failure.name)} [${failure.code}]`);
    }
    const later = dryRun ? await inADay(call, store, history, report) : undefined;
    const ahead = later && { inADay: { ...later, failures: undefined } };
    await out.result({ summary: { ...summary, ...(dryRun && { dryRun }), ...ahead } }, () => inWords(report, dryRun));
    if (!dryRun && !out.json) await noteYoung(call, store, report);
    if (dryRun && !out.json) {
      // A principal who may collect may not always read the settings, and the log would have a denied attempt.
      const own = isRemote(store) ? undefined : await store.settings.get({ signal: cli.signal });
      // A server of an earlier release counts none.
      if (Object.hasOwn(report, 'kept')) {
        await noteKept(call, store, { ...own?.history, ...history }, report, later);
      }
    }
    return report.failed === 0 ? 0 : SOME_FAILED;
  });
}
