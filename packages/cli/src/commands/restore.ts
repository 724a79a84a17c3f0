import { SecureStoreError } from '@securestore/core-format';
import type { ConflictPolicy, RestoreJobReport, RestoreReport, SnapshotChoice } from 'securestore';
import { withBackupSecret } from '../backup-source.ts';
import { type Call, type ExitCode, SOME_FAILED } from '../call.ts';
import { watchJob } from '../job-progress.ts';
import { withStore } from '../open.ts';
import { parseMoment } from '../parse-time.ts';
import { parseCount } from '../parse-values.ts';
import { confirmDestruction } from '../prompt.ts';
import { count, formatBytes, formatTime, printable } from '../terminal-text.ts';
import { exportFrom } from './export.ts';

export interface RestoreOptions {
  readonly at?: string;
  readonly snapshot?: string;
  readonly prefix?: string;
  readonly key?: readonly string[];
  readonly into?: string;
  readonly to?: string;
  readonly folder?: string;
  readonly stdout?: boolean;
  readonly conflict?: ConflictPolicy;
  readonly deleteExtra?: boolean;
  readonly dryRun?: boolean;
  readonly partial?: boolean;
}

type RestoreCall = Call<RestoreOptions>;

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

function choiceOf({ at, snapshot }: RestoreOptions): SnapshotChoice {
  if (at !== undefined && snapshot !== undefined) refuse('give either --at or --snapshot');
  return {
    ...(at === undefined ? {} : { at: parseMoment('--at', at) }),
    ...(snapshot === undefined ? {} : { snapshot: parseCount('--snapshot', snapshot) }),
  };
}

/** What each way of restoring makes nothing of. */
const USELESS = {
  to: ['key', 'into', 'conflict', 'deleteExtra', 'dryRun'],
  folder: ['key', 'into', 'conflict', 'deleteExtra', 'dryRun', 'partial'],
  stdout: ['prefix', 'into', 'conflict', 'deleteExtra', 'dryRun', 'partial'],
  store: ['partial'],
} as const satisfies Record<string, readonly (keyof RestoreOptions)[]>;

type Way = keyof typeof USELESS;

function wayOf(options: RestoreOptions): Way {
  const given = (['to', 'folder', 'stdout'] as const).filter((way) => options[way] !== undefined);
  if (given.length > 1) refuse(`give only one of ${given.map((way) => `--${way}`).join(' and ')}`);
  const way: Way = given[0] ?? 'store';
  const useless = USELESS[way].find((name) => options[name] !== undefined);
  if (useless !== undefined) {
    const flag = useless.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    refuse(way === 'store' ? `--${flag} goes with --to` : `--${flag} has no meaning together with --${way}`);
  }
  return way;
}

/** `securestore restore`. */
export async function restore(call: RestoreCall, source: string): Promise<ExitCode> {
  const way = wayOf(call.options);
  if (way === 'to') return await restoreStoreTo(call, source);
  if (way === 'folder') return await restoreToFolder(call, source);
  if (way === 'stdout') return await restoreToStdout(call, source);
  return await restoreHere(call, source);
}

async function restoreStoreTo(call: RestoreCall, source: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { to = '', prefix, partial } = options;
  const { restoreStore } = await import('securestore');
  const report = await withBackupSecret(call, async (opened) => {
    const job = restoreStore(source, to, {
      ...opened,
      ...choiceOf(options),
      ...(prefix === undefined ? {} : { prefix }),
      ...(partial === undefined ? {} : { partial }),
    });
    return await watchJob(cli, 'restore', job);
  });
  const { failed, ...summary } = report;
  for (const { name, code, message } of failed) {
    await out.result({ name, code, message, status: 'failed' }, () => {
      return `failed: ${printable(name)}: ${printable(message)} [${code}]`;
    });
  }
  await out.result({ summary: { ...summary, to, failed: failed.length } }, () => storeInWords(report, to));
  return failed.length === 0 ? 0 : SOME_FAILED;
}

function storeInWords(report: RestoreReport, to: string): string[] {
  const { snapshot, time, objects, versions, bytes, unreadable, failed } = report;
  const what = `${count(objects, 'object')} in ${count(versions, 'version')}, ${formatBytes(bytes)}`;
  const lost = unreadable === 0 ? [] : [`${count(unreadable, 'version')} are gone: their keys were destroyed`];
  const damaged = failed.length === 0 ? [] : [`${count(failed.length, 'version')} could not be restored`];
  return [
    `restored snapshot ${snapshot} of ${formatTime(time)} to ${printable(to)}: ${what}`,
    ...lost,
    ...damaged,
    `the secrets of the store open it; see it with securestore ls --store ${printable(to)}`,
  ];
}

async function restoreToFolder(call: RestoreCall, source: string): Promise<ExitCode> {
  const { options } = call;
  const { folder = '', prefix = '' } = options;
  const { readSnapshot } = await import('securestore');
  return await withBackupSecret(call, (opened) =>
    readSnapshot(source, { ...opened, ...choiceOf(options) }, (store) =>
      exportFrom({ ...call, options: { ...options, metadata: false } }, store, prefix, folder),
    ),
  );
}

async function restoreToStdout(call: RestoreCall, source: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const [key, ...more] = options.key ?? [];
  if (key === undefined || more.length > 0) refuse('--stdout takes one object: give its name as --key NAME');
  if (out.json) refuse('--stdout writes the data of the object, which is not JSON; leave out --json');
  const { readSnapshot } = await import('securestore');
  await withBackupSecret(call, (opened) =>
    readSnapshot(source, { ...opened, ...choiceOf(options) }, async (store) => {
      const { stream } = await store.retrieveStream(key, { signal: cli.signal });
      for await (const chunk of stream) {
        await out.bytes(chunk);
        if (out.closed()) break;
      }
    }),
  );
}

async function restoreHere(call: RestoreCall, source: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { prefix, key: keys, into, conflict, deleteExtra, dryRun } = options;
  const isWhole = prefix === undefined && keys === undefined && into === undefined;
  const choice = choiceOf(options);
  if (dryRun !== true && into === undefined && (isWhole || conflict === 'overwrite' || deleteExtra === true)) {
    const what = isWhole ? 'the whole store' : 'these objects';
    await confirmDestruction(
      cli,
      call.options.yes,
      `Put ${what} back to how it was then? What is there now stays in the history.`,
    );
  }
  return await withStore(call, async (store) => {
    const job = store.restore(source, {
      ...choice,
      ...(prefix === undefined ? {} : { prefix }),
      ...(keys === undefined ? {} : { keys }),
      ...(into === undefined ? {} : { into }),
      conflict: conflict ?? (isWhole ? 'overwrite' : 'fail'),
      ...(deleteExtra === undefined ? {} : { deleteExtra }),
      ...(dryRun === undefined ? {} : { dryRun }),
      signal: cli.signal,
    });
    const report = await watchJob(cli, 'restore', job);
    const { failed, conflicts, ...summary } = report;
    for (const { key, code, message } of failed) {
      await out.result({ key, code, message, status: 'failed' }, () => {
        return `failed: ${printable(key)}: ${printable(message)} [${code}]`;
      });
    }
    for (const key of report.skipped > 0 || report.dryRun ? conflicts : []) {
      await out.result({ key, status: 'conflict' }, () => `there as another version: ${printable(key)}`);
    }
    await out.result({ summary: { ...summary, conflicts: conflicts.length, failed: failed.length } }, () =>
      objectsInWords(report),
    );
    return failed.length === 0 ? 0 : SOME_FAILED;
  });
}

function objectsInWords(report: RestoreJobReport): string[] {
  const { dryRun, snapshot, time, created, replaced, renamed, skipped, unchanged, deleted, bytes, before } = report;
  const counts: [number, string][] = [
    [created, 'created'],
    [replaced, 'replaced'],
    [renamed, 'restored beside another version'],
    [deleted, 'deleted'],
    [skipped, 'left as they are'],
    [unchanged, 'unchanged'],
  ];
  const told = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const what = told.length === 0 ? 'nothing to do' : `${told.join(', ')}; ${formatBytes(bytes)}`;
  const verb = dryRun ? 'would restore' : 'restored';
  const safe = before === undefined ? [] : [`what was there before is snapshot ${before}`];
  return [`${verb} from snapshot ${snapshot} of ${formatTime(time)}: ${what}`, ...safe];
}
