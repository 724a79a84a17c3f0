import { isServed, redactStoreUrl } from '@securestore/backend-api';
import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import type { MigrationOpenOptions, MigrationPhase, FailBackInfo, UnlockSecretMethod } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { storeVariable } from '../call/next-steps.ts';
import { configuredStore, discoveryOf } from '../store/discovery.ts';
import { SOME_FAILED } from '../call/call.ts';
import { refuseMemory } from '../backup/backup-place.ts';
import { type PhaseWords, watchJob } from '../terminal/job-progress.ts';
import { sayMissingFolders } from '../call/missing-folders.ts';
import { whileMistyped } from '../secret/mistyped.ts';
import { invitationOf, storeUrlOf, loggerFor } from '../store/open.ts';
import { Commands } from '../errors/hints.ts';
import { refuse, usageHint, withHints } from '../errors/refuse.ts';
import { findNewSecret, findSecret, type NewSecretOptions } from '../secret/secret.ts';
import { ensureKeyFile } from '../secret/key-file.ts';
import { notServed } from '../store/served.ts';
import { parseCategories } from '../call/parse-values.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { isSameSecret } from '../secret/same-secret.ts';
import { count, formatTime, printable } from '../terminal/terminal-text.ts';
import { migrationInWords } from './migrate-words.ts';
import { oneFingerprint, unlockWith } from '../secret/unlocking.ts';

export interface MigrateOptions extends NewSecretOptions {
  readonly reencrypt?: boolean;
  readonly suite?: '1' | '2';
  readonly names?: 'encrypted' | 'plain';
  readonly defineCategory?: readonly string[];
  readonly partial?: boolean;
  readonly copyOnly?: boolean;
  readonly replicateBack?: boolean;
  readonly cancel?: boolean;
  readonly finalize?: boolean;
  readonly failBack?: boolean;
}

type MigrateCall = Call<MigrateOptions>;

const PHASES: Readonly<Record<MigrationPhase, PhaseWords[string]>> = {
  preparing: {},
  copying: { unit: 'objects' },
  'waiting for writes that were under way': { text: 'copied, waiting for writes that were under way (6 s)' },
  'applying changes': { unit: 'changes' },
  'falling behind': { unit: 'changes' },
  comparing: { unit: 'objects' },
  verifying: { unit: 'objects' },
  announcing: { unit: 'changes', text: 'announcing the migration (6 s)' },
  switching: { unit: 'changes', text: 'switching to the target: calls of the store wait' },
  'replicating back': { unit: 'changes' },
};

/** Runs `body` with what opens the store for whoever moves it. */
async function withUnlock<T>(
  call: MigrateCall,
  body: (options: MigrationOpenOptions, present: UnlockSecretMethod) => Promise<T>,
): Promise<T> {
  const { cli, options } = call;
  using unlock = await unlockWith(await findSecret(call));
  const invitation = await invitationOf(call);
  const opening = {
    unlock: unlock.method,
    fingerprint: oneFingerprint([options.fingerprint, invitation?.fingerprint, unlock.fingerprint]),
    anchor: options.anchor ?? true,
    acceptRollback: options.acceptRollback,
    trustOnFirstUse: options.trustFirstUse,
    logger: loggerFor(call),
    discovery: discoveryOf(call),
    signal: cli.signal,
  };
  const run = (): Promise<T> => body(opening, unlock.method);
  // With two secrets, it is not known which of them is wrong.
  return options.reencrypt === true ? await run() : await whileMistyped(call, unlock, run);
}

/**
 * `securestore migrate`.
 *
 * @param first where the store is; the new store URL where it is the only one, as the store is named like that of any other command then
 */
export async function migrate(
  call: MigrateCall,
  first: string | undefined,
  second: string | undefined,
): Promise<ExitCode> {
  const { partial, copyOnly, replicateBack } = call.options;
  const [instead, another] = Object.keys(INSTEAD_OF_MOVING)
    .filter((name): name is Instead => Object.hasOwn(INSTEAD_OF_MOVING, name))
    .filter((name) => call.options[name] === true);
  if (instead !== undefined) {
    if (another !== undefined) refuse(`${FLAGS[instead]} cannot be used with ${FLAGS[another]}`);
    if (second !== undefined || partial === true || copyOnly === true || replicateBack === true) {
      refuse(`${FLAGS[instead]} takes the URL of the store and nothing else`);
    }
    return await INSTEAD_OF_MOVING[instead](call, unserved(await storeUrlOf(call, first)));
  }
  const to = second ?? first;
  if (to === undefined) refuse('migrate needs the URL of the target', usageHint('migrate'));
  const url = unserved(await storeUrlOf(call, second === undefined ? undefined : first));
  refuseMemory(to, 'target');
  unserved(to);
  if (copyOnly === true && replicateBack === true) refuse('--replicate-back cannot be used with --copy-only');
  checkReencrypt(call.options);
  return await move(call, url, to);
}

/** @throws `UNSUPPORTED` for the URL of a server, which holds no store by itself */
function unserved(url: string): string {
  return isServed(url) ? notServed('migrate') : url;
}

/** What is done to a store instead of moving it. */
const INSTEAD_OF_MOVING = { cancel: giveUp, finalize: endKeeping, failBack: openAgain } as const;

type Instead = keyof typeof INSTEAD_OF_MOVING;

const FLAGS: Readonly<Record<Instead, string>> = {
  cancel: '--cancel',
  finalize: '--finalize',
  failBack: '--fail-back',
};

/** Opens a store where it was before the place that it has moved to was lost. */
async function openAgain(call: MigrateCall, url: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { failBack } = await import('securestore');
  const beforeFailBack = async ({ source, lost, migrated, objects }: FailBackInfo): Promise<void> => {
    const [here, there] = [printable(source), printable(lost)];
    const question =
      `The store was migrated from ${here} to ${there} at ${formatTime(migrated)}, and is not there. Open it again at ${here}, as it was ` +
      `then (${count(objects, 'object')}, deletions included)? Everything that was written at ${there} since then is lost.`;
    await confirmDestruction(cli, options.yes, question, 'everything that was written at the target is lost');
  };
  const report = await withUnlock(call, (opening) => failBack(url, { ...opening, beforeFailBack }));
  await out.result(report, () => [
    `the store is at ${printable(report.source)} again, as it was when it was migrated to ${printable(report.lost)}`,
    'programs that had it open there are to open it here; if the target comes back, remove it: it is not this store any more',
  ]);
  return 0;
}

async function giveUp(call: MigrateCall, url: string): Promise<ExitCode> {
  const { cancelMigration } = await import('securestore');
  const cancelling = withUnlock(call, (options) => cancelMigration(url, options));
  const { source, target } = await cancelling.catch((error: unknown) => {
    // With advice, there is no store at all.
    if (!SecureStoreError.is(error, 'NOT_FOUND') || error.advice !== undefined) throw error;
    throw withHints(error, {
      text: 'if it was migrated to this store URL, and is to go back',
      command: new Commands(call).elsewhere(['migrate', url, 'SOURCE']),
    });
  });
  const there = target === undefined ? 'at the target' : `at ${printable(target)}`;
  await call.out.result({ cancelled: true, from: source, to: target }, () => [
    `the store stays at ${printable(source)}`,
    `the copy is still ${there}: remove it before you use that store URL for anything else`,
  ]);
}

async function endKeeping(call: MigrateCall, url: string): Promise<ExitCode> {
  const { finalizeMigration } = await import('securestore');
  const kept = await withUnlock(call, (options) => finalizeMigration(url, options));
  await call.out.result({ retired: kept, url: redactStoreUrl(url) }, () =>
    kept
      ? 'changes are no longer kept for a migration back: the source can be removed'
      : 'nothing was kept for the way back',
  );
}

/** The secret of a store that is sealed anew, and what is to be done before that is made. */
interface NewSecret extends Disposable {
  readonly method: UnlockSecretMethod;
  readonly beforeMaking: () => Promise<void>;
}

/** @returns `undefined` where the store is moved as it is */
async function newSecretOf(call: MigrateCall, present: UnlockSecretMethod, to: string): Promise<NewSecret | undefined> {
  const { out, options } = call;
  if (options.reencrypt !== true) return undefined;
  const source = await findNewSecret(call, to);
  const next = await unlockWith(source);
  // Where the store is there already, a key file that is made now would open nothing.
  const beforeMaking = async (): Promise<void> => {
    if (source.kind === 'key-file' && (await ensureKeyFile(source.path))) {
      out.note(`created the key file ${printable(source.path)}; keep a copy of it apart from the store`);
    }
    if (await isSameSecret(present, next.method)) {
      refuse('the new unlock secret is the current one. Nothing was changed.', { text: 'give another secret' });
    }
  };
  return { method: next.method, beforeMaking, [Symbol.dispose]: () => next[Symbol.dispose]() };
}

/** What only a store that is sealed anew can be given. */
function checkReencrypt(given: MigrateOptions): void {
  const { reencrypt, suite, names, defineCategory, replicateBack, ...options } = given;
  if (reencrypt === true && replicateBack === true)
    refuse('--replicate-back cannot be used with --reencrypt: a store that is encrypted again cannot fail back');
  const isGiven = [
    suite,
    names,
    defineCategory,
    options.newKeyFile,
    options.newPassphraseFile,
    options.newPassphraseCommand,
  ].some((option) => option !== undefined);
  if (isGiven && reencrypt !== true) refuse('--suite, --names, --define-category and a new secret need --reencrypt');
}

async function move(call: MigrateCall, from: string, to: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const { partial, copyOnly, replicateBack: replicatesBack } = options;
  const { replicateBack, migrateStore } = await import('securestore');
  return await withUnlock(call, async (opening, present) => {
    using anew = await newSecretOf(call, present, to);
    const { suite, names, defineCategory } = options;
    const reencrypt = anew && {
      unlock: anew.method,
      beforeCreate: anew.beforeMaking,
      ...(suite && { suite: suite === '2' ? (2 as const) : (1 as const) }),
      ...(names && { names }),
      ...(defineCategory && { categories: parseCategories(defineCategory) }),
    };
    await sayMissingFolders(out, to);
    const job = migrateStore(from, to, { ...opening, partial, copyOnly, reencrypt });
    const report = await watchJob(cli, 'migrate', job, PHASES);
    for (const failure of report.failed) {
      const { name, key = name, code, message } = failure;
      await out.result(
        { ...failure, status: 'failed' },
        () => `failed: ${printable(key)}: ${printable(message)} [${code}]`,
      );
    }
    for (const finding of report.findings) out.note(`finding: ${printable(finding)}`);
    const { failed: _, ...summary } = report;
    await out.result({ summary }, () => migrationInWords(report, copyOnly === true, reencrypt !== undefined));
    if (report.migrated) await noteOldNames(call, from, report.target);
    // It goes on until it is interrupted.
    if (replicatesBack === true && report.migrated) {
      out.note(`changes are replicated to ${printable(report.source)} from now on, until this is interrupted`);
      const kept = replicateBack(to, from, opening);
      const done = await watchJob(cli, 'migrate', kept, PHASES);
      if (done.migratesBack) {
        await out.result(
          { stopped: true, kept: done },
          () => `the store is being migrated back to ${printable(report.source)}, so replication to it has ended`,
        );
        return 0;
      }
      await out.result(
        { stopped: true, kept: done },
        () => `stopped; replicated ${count(done.changes, 'change')}, and later changes are kept for seven days`,
      );
      return exitCodeOf('ABORTED');
    }
    return report.failures === 0 ? 0 : SOME_FAILED;
  });
}

/** Says what still names the source, so that the next command would be refused. */
async function noteOldNames({ cli, out }: MigrateCall, from: string, target: string): Promise<void> {
  const variable = cli.env['SECURESTORE_URL'];
  if (variable !== undefined) {
    if (variable === from)
      out.note(printable(`$SECURESTORE_URL still names the source; to change it: ${storeVariable(target).command}`));
    return;
  }
  if ((await configuredStore({ cli }).catch(() => undefined)) === from)
    out.note(`the configuration in this folder still names the source; change "store" in it to ${printable(target)}`);
}
