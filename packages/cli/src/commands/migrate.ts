import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import type { MigrationOpenOptions, MigrationReport } from 'securestore';
import type { Call, ExitCode } from '../call.ts';
import { SOME_FAILED } from '../call.ts';
import { refuseMemory } from '../backup-place.ts';
import { watchJob } from '../job-progress.ts';
import { invitationOf, locationOf, loggerFor } from '../open.ts';
import { findNewSecret, findSecret, type NewSecretOptions } from '../secret.ts';
import { ensureKeyFile } from '../key-file.ts';
import { count, formatBytes, printable } from '../terminal-text.ts';
import { oneFingerprint, type Unlocking, unlockWith } from '../unlocking.ts';

export interface MigrateOptions extends NewSecretOptions {
  readonly reseal?: boolean;
  readonly suite?: '1' | '2';
  readonly names?: 'encrypted' | 'plain';
  readonly partial?: boolean;
  readonly copyOnly?: boolean;
  readonly keep?: boolean;
  readonly cancel?: boolean;
  readonly retire?: boolean;
}

type MigrateCall = Call<MigrateOptions>;

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** Runs `body` with what opens the store for whoever moves it. */
async function withUnlock<T>(call: MigrateCall, body: (options: MigrationOpenOptions) => Promise<T>): Promise<T> {
  const { cli, options } = call;
  using unlock = await unlockWith(await findSecret(call, 'open'));
  const invitation = await invitationOf(options);
  return await body({
    unlock: unlock.method,
    fingerprint: oneFingerprint([options.fingerprint, invitation?.fingerprint, unlock.fingerprint]),
    anchor: options.anchor ?? true,
    acceptHead: options.acceptHead,
    trustOnFirstUse: options.trustFirstUse,
    logger: loggerFor(call),
    signal: cli.signal,
  });
}

/**
 * `securestore migrate`.
 *
 * @param first where the store is; the new location where it is the only one, as the store is named like that of any other command then
 */
export async function migrate(
  call: MigrateCall,
  first: string | undefined,
  second: string | undefined,
): Promise<ExitCode> {
  const { cancel, retire, partial, copyOnly, keep } = call.options;
  if (cancel === true || retire === true) {
    if (cancel === retire) refuse('give either --cancel or --retire');
    if (second !== undefined || partial === true || copyOnly === true || keep === true) {
      refuse(`--${cancel === true ? 'cancel' : 'retire'} takes the location of the store and nothing else`);
    }
    const location = await locationOf(call, first);
    return await (cancel === true ? giveUp(call, location) : endKeeping(call, location));
  }
  const to = second ?? first;
  if (to === undefined) refuse('where to? give the new location: securestore migrate [FROM] TO');
  const location = await locationOf(call, second === undefined ? undefined : first);
  refuseMemory(to, 'move the store to another location');
  if (copyOnly === true && keep === true) refuse('--keep is for a store that has moved; leave out --copy-only');
  checkReseal(call.options);
  return await move(call, location, to);
}

async function giveUp(call: MigrateCall, location: string): Promise<ExitCode> {
  const { cancelMigration } = await import('securestore');
  const { from, to } = await withUnlock(call, (options) => cancelMigration(location, options));
  const there = to === undefined ? 'where it was to move to' : `at ${printable(to)}`;
  await call.out.result({ cancelled: true, from, to }, () => [
    `the store stays at ${printable(from)}`,
    `what was copied is still ${there}: remove it there before you use that place for something else`,
  ]);
}

async function endKeeping(call: MigrateCall, location: string): Promise<ExitCode> {
  const { retireMigration } = await import('securestore');
  const kept = await withUnlock(call, (options) => retireMigration(location, options));
  await call.out.result({ retired: kept, location }, () =>
    kept
      ? 'nothing is kept for the way back any more: where the store was can be removed'
      : 'nothing was kept for the way back',
  );
}

/** The secret of a store that is sealed anew; `undefined` where it is moved as it is. */
async function newSecretOf(call: MigrateCall): Promise<Unlocking | undefined> {
  const { cli, out, options } = call;
  if (options.reseal !== true) return undefined;
  const source = findNewSecret(cli, options);
  if (source.kind === 'key-file' && (await ensureKeyFile(source.path))) {
    out.note(`made the key file ${printable(source.path)}; keep a copy of it apart from the store`);
  }
  return await unlockWith(source);
}

/** What only a store that is sealed anew can be given. */
function checkReseal({ reseal, suite, names, newKeyFile, newPassphraseFile, keep }: MigrateOptions): void {
  if (reseal === true && keep === true)
    refuse('--keep is for a store that moves as it is: what is sealed anew has no way back');
  const isGiven = [suite, names, newKeyFile, newPassphraseFile].some((option) => option !== undefined);
  if (isGiven && reseal !== true) refuse('--suite, --names and a new secret go together with --reseal');
}

async function move(call: MigrateCall, from: string, to: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { partial, copyOnly, keep } = options;
  const { keepOldSide, migrateStore } = await import('securestore');
  return await withUnlock(call, async (opening) => {
    using anew = await newSecretOf(call);
    const { suite, names } = options;
    const reseal = anew && {
      unlock: anew.method,
      ...(suite && { suite: suite === '2' ? (2 as const) : (1 as const) }),
      ...(names && { names }),
    };
    const job = migrateStore(from, to, { ...opening, partial, copyOnly, reseal });
    const report = await watchJob(cli, 'migrate', job);
    for (const failure of report.failed) {
      const { name, code, message } = failure;
      await out.result(
        { ...failure, status: 'failed' },
        () => `failed: ${printable(name)}: ${printable(message)} [${code}]`,
      );
    }
    for (const alarm of report.alarms) out.note(`warning: ${alarm}`);
    const { failed: _, ...summary } = report;
    await out.result({ summary }, () => inWords(report, copyOnly === true, reseal !== undefined));
    // It goes on until it is interrupted.
    if (keep === true && report.moved) {
      out.note(`what changes is brought to ${printable(report.from)} from now on, until this is interrupted`);
      const kept = keepOldSide(to, from, opening);
      const done = await watchJob(cli, 'migrate', kept);
      if (done.movesBack) {
        await out.result(
          { stopped: true, kept: done },
          () => `the store moves back to ${printable(report.from)}, so nothing is to be kept in line there any more`,
        );
        return 0;
      }
      await out.result(
        { stopped: true, kept: done },
        () =>
          `stopped; brought ${count(done.changes, 'change')} there, and what comes from now on is kept for seven days`,
      );
      return exitCodeOf('ABORTED');
    }
    return report.failures === 0 ? 0 : SOME_FAILED;
  });
}

function inWords(report: MigrationReport, copyOnly: boolean, resealed: boolean): string[] {
  const { to, moved, objects, versions, bytes, changes, corrected, failures, pause } = report;
  if (moved && pause === 0) return [`the store is at ${printable(to)} already: it had moved before`];
  const copied = `looked at ${count(objects, 'object')}; wrote ${count(versions, 'record')}, ${formatBytes(bytes)}, to ${printable(to)}`;
  const followed = changes === 0 ? [] : [`followed ${count(changes, 'change')} that came meanwhile`];
  const differed = corrected === 0 ? [] : [`brought in line what differed: ${count(corrected, 'name')}`];
  const lost = failures === 0 ? [] : [`could not be moved: ${count(failures, 'name')}`];
  return [copied, ...followed, ...differed, ...lost, ...verdict(report, copyOnly, resealed)];
}

function verdict(
  { failures, from, to, moved, pause }: MigrationReport,
  copyOnly: boolean,
  resealed: boolean,
): string[] {
  if (moved && resealed) {
    return [
      `the store is at ${printable(to)} now, sealed anew; nobody could use it for ${pause} ms`,
      'its new secret opens it, and no other; members, backups and API tokens are to be made anew, and the audit log of before stays where it was',
      `once you are sure, remove ${printable(from)}: whatever opened it opens it still`,
    ];
  }
  if (moved) {
    return [
      `the store is at ${printable(to)} now; nobody could use it for ${pause} ms`,
      `what changes is kept for moving it back for seven days: securestore migrate ${printable(to)} ${printable(from)}`,
      `once you are sure, securestore migrate ${printable(to)} --retire; then remove ${printable(from)}`,
    ];
  }
  if (failures > 0) {
    return [
      `the store is still at ${printable(from)}. securestore verify --store ${printable(from)} says more; repair it from a backup with scrub ` +
        '--repair, restore single objects with restore --key, or leave these behind with --partial',
      'the same command goes on with the move; --cancel gives it up, which restoring the whole store needs first',
    ];
  }
  return copyOnly
    ? [
        `the store is still at ${printable(from)}; the same command without --copy-only moves it, and --cancel gives it up`,
      ]
    : [`the store is still at ${printable(from)}`];
}
