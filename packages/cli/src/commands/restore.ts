import { isServed, redactStoreUrl } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ConflictPolicy, Job, PlannedOperation, RestoreJobReport, RestoreReport, SecureStore } from 'securestore';
import { askToRestore } from '../backup/ask-to-restore.ts';
import { requireBackup } from '../backup/backup-place.ts';
import { withBackupSecret } from '../backup/backup-source.ts';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { deliverBytes, deliverToTerminal } from '../call/deliver.ts';
import { sayFailed } from '../call/failed-items.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { isForServer, storeUrlOf, withStore } from '../store/open.ts';
import { withOwnRequests } from '../access/own-requests.ts';
import { parseFolder } from '../call/parse-values.ts';
import { pointOf } from '../backup/point-choice.ts';
import { momentAt, pointSource } from '../backup/point-source.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { refuseToReplace, writeReceipt } from '../backup/receipt-file.ts';
import { refuse, usageHint, withHints } from '../errors/refuse.ts';
import { notInSnapshot } from '../object/near-keys.ts';
import { OTHER_VERSION, restoredKeys, restorePlan } from '../backup/restore-plan.ts';
import type { RestoreOptions } from '../backup/restore-way.ts';
import { nothingBegins, noteMoment, objectsInWords, storeInWords } from '../backup/restore-words.ts';
import { checkGivesUpAlone, wayOf } from '../backup/restore-way.ts';
import { count, printable } from '../terminal/terminal-text.ts';
import { exportToFolder } from './export.ts';

type RestoreCall = Call<RestoreOptions>;

/** A folder becomes a folder, with or without the `/` at its end. */
function targetOf({ prefix, into }: RestoreOptions): string | undefined {
  if (into === undefined || into === '' || into.endsWith('/') || prefix?.endsWith('/') !== true) return into;
  return `${into}/`;
}

/** The rule for an object that is there as another version, if none was given. */
function policyOf({ conflict }: RestoreOptions, isWhole: boolean): ConflictPolicy {
  return conflict ?? (isWhole ? 'overwrite' : 'fail');
}

/** `securestore restore`. */
export async function restore(call: RestoreCall, source: string | undefined): Promise<ExitCode> {
  call.cli.keepMemoryLow?.();
  if (call.options.giveUp === true) return await giveUp(call, source);
  if (source === undefined)
    refuse(
      'restore needs a source: the destination of a backup, such as file:/backup',
      { text: 'to list the destinations', on: ['destination', 'list'] },
      usageHint('restore'),
    );
  const way = wayOf(call.options);
  if (way === 'to') return await restoreStoreTo(call, source);
  if (way === 'folder') return await restoreToFolder(call, source);
  if (way === 'stdout') return await restoreToStdout(call, source);
  return await restoreHere(call, source);
}

/** Lets others write again where a restore of the whole store was interrupted. */
async function giveUp(call: RestoreCall, source: string | undefined): Promise<void> {
  checkGivesUpAlone(source, call.options);
  await withStore(call, async (store) => {
    await store.backups.endRestore({ signal: call.cli.signal });
    await call.out.result({ summary: { givenUp: true } }, () => [
      'the store accepts writes again; restored objects stay, and the history keeps the earlier versions',
    ]);
  });
}

/** The error of a disk that is full, without the name of the file that was written at that moment. */
function noRoom(error: SecureStoreError, to: string): SecureStoreError {
  const url = redactStoreUrl(to);
  const message = `${url}: the restore was interrupted: ${error.detail}`;
  return withHints(
    SecureStoreError.from(error, { message, key: undefined }),
    { text: 'once there is room, to resume the restore', again: true },
    { text: `what was restored stays at ${url}, which is no store until the restore has ended` },
  );
}

async function restoreStoreTo(call: RestoreCall, source: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { to = '', prefix, partial } = options;
  const chosen = {
    ...pointOf(call, options),
    ...(prefix === undefined ? {} : { prefix }),
    ...(partial === undefined ? {} : { partial }),
  };
  const operation: PlannedOperation = { call: 'backups.restoreStore', about: { destination: source, to, ...chosen } };
  if (options.ask !== undefined)
    return await askToRestore(call, operation, [['restore'], ['backup.manage']], options.ask);
  const watch = async (job: Job<RestoreReport>): Promise<RestoreReport> => {
    try {
      return await watchJob(cli, 'restore', job);
    } catch (error) {
      // Two places are meant here, and it says of neither that it is it.
      if (SecureStoreError.is(error, 'NO_SPACE')) throw noRoom(error, to);
      if (!SecureStoreError.is(error, 'ALREADY_EXISTS')) throw error;
      throw SecureStoreError.from(error, { message: `${redactStoreUrl(to)}: ${error.message}` });
    }
  };
  const { restoreStore } = await import('securestore');
  const { signal } = cli;
  const report = (await isForServer(call))
    ? await withStore(call, async (store) =>
        watch(store.backups.restoreStore(source, to, { ...chosen, signal })).catch(async (error: unknown) => {
          throw await withOwnRequests(error, store, operation, signal);
        }),
      )
    : await withBackupSecret(call, source, (opened) => watch(restoreStore(source, to, { ...opened, ...chosen })));
  if (report.versions + report.unreadable + report.failed.length === 0 && prefix !== undefined) {
    out.note(`warning: ${nothingBegins(report.snapshot, prefix)}: the new store is empty`);
  }
  const { failed, ...summary } = report;
  for (const finding of summary.findings) out.note(`finding: ${finding}`);
  await sayFailed(out, failed);
  await out.result({ summary: { ...summary, to, failed: failed.length } }, () => storeInWords(report, call, source));
  return failed.length === 0 ? 0 : SOME_FAILED;
}

async function restoreToFolder(call: RestoreCall, source: string): Promise<ExitCode> {
  const { options } = call;
  const { folder = '', prefix } = options;
  const below = parseFolder(prefix) || undefined;
  if (await isForServer(call)) {
    const choice = pointOf(call, options);
    return await withStore(call, async (store) => {
      await noteServedMoment(call, store, source);
      // A listing shows what may be seen: that there is nothing in it says nothing of the backup.
      const where = below === undefined ? '' : ` below "${below}"`;
      return exportToFolder(
        call,
        pointSource(store, source, choice),
        folder,
        { prefix: below },
        {
          none: `${source} has nothing${where} that you may see without an approval. Nothing was written.`,
          asking: 'this command and --stdout --key KEY --ask REASON instead of --folder',
        },
      );
    });
  }
  const { readSnapshot } = await import('securestore');
  return await withBackupSecret(call, source, (opened) =>
    readSnapshot(source, { ...opened, ...pointOf(call, options) }, async (store, snapshot) => {
      noteMoment(call, options, snapshot);
      return exportToFolder(call, store, folder, { prefix: below });
    }),
  );
}

/** Calls `retrieve`. If the snapshot lacks the object, or the version, the error says how to find the one that has it. */
async function withVersionHint<T>(key: string, source: string, retrieve: () => Promise<T>): Promise<T> {
  try {
    return await retrieve();
  } catch (error) {
    if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    const text = 'to list the versions, and the snapshots that have them';
    throw withHints(error, { text, on: ['history', key], options: { backup: source } });
  }
}

async function restoreToStdout(call: RestoreCall, source: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const [key, ...more] = options.key ?? [];
  if (key === undefined || more.length > 0) refuse('--stdout needs one --key');
  if (out.json && options.ask === undefined) refuse('--stdout cannot be used with --json: the data is not JSON');
  const deliver = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    if (cli.stdout.isTTY !== true) return await deliverBytes(call, stream);
    await deliverToTerminal(call, stream, 'use --folder DIR, or pipe it into cat to print it anyway');
  };
  const { signal } = cli;
  const { versionId: version } = options;
  const choice = pointOf(call, options);
  const about = { destination: source, ...choice, ...(version !== undefined && { version }) };
  const read = <T>(retrieve: () => Promise<T>): Promise<T> => withVersionHint(key, source, retrieve);
  if (options.ask !== undefined) {
    const taken = [['read', key], ['history', key], ['backup.view']] as const;
    return await askToRestore(call, { call: 'recoveryPoints.retrieveStream', about }, taken, options.ask);
  }
  if (await isForServer(call)) {
    return await withStore(call, async (store) => {
      const { stream } = await read(() => store.recoveryPoints.retrieveStream(key, { ...about, signal }));
      // An approval is for the data: it is not used up by a look at which moment that is.
      await noteServedMoment(call, store, source);
      await deliver(stream);
    });
  }
  const { readSnapshot } = await import('securestore');
  await withBackupSecret(call, source, (opened) =>
    readSnapshot(source, { ...opened, ...pointOf(call, options) }, async (store, snapshot) => {
      noteMoment(call, options, snapshot);
      await deliver((await read(() => store.retrieveStream(key, { version, signal }))).stream);
    }),
  );
}

async function restoreHere(call: RestoreCall, source: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { prefix, key: keys, deleteExtra, dryRun, check } = options;
  const into = targetOf(options);
  if (options.receipt !== undefined) await refuseToReplace(options.receipt, options.yes);
  const isWhole = prefix === undefined && keys === undefined && into === undefined;
  const choice = pointOf(call, options);
  const policy = policyOf(options, isWhole);
  // A server looks for the backup where it is, and is not told of each object: it tells how many there are.
  const isHere = !isServed(await storeUrlOf(call));
  const about = {
    ...choice,
    ...(prefix === undefined ? {} : { prefix }),
    ...(keys === undefined ? {} : { keys }),
    ...(into === undefined ? {} : { into }),
    conflict: policy,
    ...(deleteExtra === undefined ? {} : { deleteExtra }),
  };
  const operation: PlannedOperation = { call: 'restore', about: { destination: source, ...about } };
  if (options.ask !== undefined)
    return await askToRestore(call, operation, [['restore'], ['restore.replace']], options.ask);
  const replaces = dryRun !== true && (isWhole || policy === 'overwrite' || deleteExtra === true);
  if (replaces && isHere) await requireBackup(call, source);
  const isElsewhere = into !== undefined || policy === 'rename';
  const named = isElsewhere && isHere ? restoredKeys(out) : undefined;
  const plan = dryRun === true && isHere ? restorePlan(out, policy) : named;
  return await withStore(call, async (store) => {
    const watch = (job: Job<RestoreJobReport>): Promise<RestoreJobReport> =>
      watchJob(cli, 'restore', job).catch(async (error: unknown) => {
        const key = SecureStoreError.is(error, 'NOT_FOUND') ? keys?.find((one) => one === error.key) : undefined;
        throw key === undefined ? error : withHints(error, ...(await notInSnapshot(call, store, key, source)));
      });
    if (replaces && options.yes !== true) {
      // Nobody is asked to agree to a snapshot that does not exist; a restore that asks nobody says that itself.
      if (isHere) await store.backups.view(source, choice, async () => undefined, { signal: cli.signal });
      else await momentAt(store, source, choice, cli.signal);
      // A server would take it for an attempt, which may use up an approval.
      const preview = isHere ? store.restore(source, { ...about, dryRun: true, signal: cli.signal }) : undefined;
      const planned = preview && (await watch(preview));
      const counts = planned === undefined ? [] : objectsInWords(planned, policy, call, source).slice(0, 1);
      const asked = [...counts, question(options, isWhole)].join('\n');
      await confirmDestruction(cli, options.yes, asked, destroys(planned));
    }
    const job = store.restore(source, {
      ...about,
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(check === undefined ? {} : { verify: check }),
      ...(plan && { onObject: plan.onObject }),
      signal: cli.signal,
    });
    const report = await watch(job).catch(async (error: unknown) => {
      throw await withOwnRequests(error, store, operation, cli.signal);
    });
    const { failed, conflicts, ...summary } = report;
    for (const finding of summary.findings) out.note(`finding: ${finding}`);
    for (const { key, code, message } of failed) {
      await out.result({ key, code, message, status: 'failed' }, () => {
        return `failed: ${printable(key)}: ${printable(message)} [${code}]`;
      });
    }
    const isFailed = new Set(failed.map(({ key }) => key));
    for (const key of report.skipped > 0 && !report.dryRun ? conflicts : []) {
      if (isFailed.has(key)) continue;
      await out.result({ key, status: 'conflict' }, () => `${printable(key)}: ${OTHER_VERSION}`);
    }
    if (!isWhole && deleteExtra !== true && touched(report) === 0) {
      const which =
        prefix === undefined ? `snapshot ${report.snapshot} is empty` : nothingBegins(report.snapshot, prefix);
      throw new SecureStoreError('NOT_FOUND', `${which}. Nothing was restored.`);
    }
    await out.result({ summary: { ...summary, policy, conflicts: conflicts.length, failed: failed.length } }, () => [
      ...(plan?.lines() ?? []),
      ...objectsInWords(report, policy, call, source),
    ]);
    if (options.receipt !== undefined && report.receipt !== undefined) {
      await writeReceipt(call, options.receipt, store.url, report.receipt);
    }
    return failed.length === 0 ? 0 : SOME_FAILED;
  });
}

/** Says of which moment it is, if one was asked for, as far as the server tells that to whoever asks. */
async function noteServedMoment(call: RestoreCall, store: SecureStore, source: string): Promise<void> {
  const { cli, options } = call;
  if (options.at === undefined) return;
  noteMoment(call, options, await momentAt(store, source, pointOf(call, options), cli.signal));
}

/** How many objects a restore would replace or delete. */
function destroys(planned: RestoreJobReport | undefined): string {
  if (planned === undefined) return 'objects of the store would be replaced';
  const { replaced, deleted } = planned;
  return `${count(replaced + deleted, 'object')} of the store would be ${deleted > 0 ? 'replaced or deleted' : 'replaced'}`;
}

function question({ deleteExtra }: RestoreOptions, isWhole: boolean): string {
  const deleted = deleteExtra === true ? ' Objects that did not exist then are deleted.' : '';
  return isWhole
    ? `Replace every object that differs?${deleted} The history keeps the present versions, and other writers wait meanwhile.`
    : `Replace the chosen objects that differ from the backup by its versions?${deleted} The history keeps the present versions.`;
}

function touched({ created, replaced, renamed, skipped, unchanged, deleted, failed }: RestoreJobReport): number {
  return created + replaced + renamed + skipped + unchanged + deleted + failed.length;
}
