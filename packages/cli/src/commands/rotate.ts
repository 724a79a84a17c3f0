import { shellWords } from '@securestore/protocol';
import type { Job, RotationDepth, RotationReport, SecureStore, UnlockSecretMethod } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { Commands } from '../errors/hints.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { ensureKeyFile } from '../secret/key-file.ts';
import { withStore, withUnlockedStore } from '../store/open.ts';
import { refuse } from '../errors/refuse.ts';
import { protectionLines, rotationLine, sayRotation } from './rotation-report.ts';
import { withNewSecret } from '../secret/new-secret-options.ts';
import { isSameSecret } from '../secret/same-secret.ts';
import { findNewSecret, type NewSecretOptions, secretVariable } from '../secret/secret.ts';
import { printable } from '../terminal/terminal-text.ts';
import { unlockWith } from '../secret/unlocking.ts';

export interface RotateOptions extends NewSecretOptions {
  readonly depth?: RotationDepth;
  readonly sameSecret?: boolean;
  readonly resume?: boolean;
}

/** `securestore rotate`. */
export async function rotate(call: Call<RotateOptions>): Promise<ExitCode> {
  if (call.options.resume === true) return await withStore(call, (store) => resume(call, store));
  return await withUnlockedStore(call, (store, unlock) =>
    call.options.sameSecret === true ? renew(call, store, unlock, unlock) : replaceSecret(call, store, unlock),
  );
}

async function replaceSecret(
  call: Call<RotateOptions>,
  store: SecureStore,
  unlock: UnlockSecretMethod,
): Promise<ExitCode> {
  const { out } = call;
  const source = await findNewSecret(call, store.url, ', or --same-secret to keep the current one');
  if (source.kind === 'key-file' && (await ensureKeyFile(source.path))) {
    out.note(`created the key file ${printable(source.path)}; keep a copy of it apart from the store`);
  }
  using next = await unlockWith(source);
  // Asked for now, and not once the rotation runs.
  if (await isSameSecret(unlock, next.method)) {
    refuse('the new unlock secret is the current one. Nothing was changed.', {
      text: 'to keep it and rotate the encryption keys',
      on: ['rotate'],
      options: { 'same-secret': true },
    });
  }
  return await renew(call, store, unlock, next.method, source.kind === 'key-file' ? source.path : undefined);
}

/** What each variable does with the secret. */
const OLD = {
  SECURESTORE_KEY_FILE: 'names a file with',
  SECURESTORE_PASSPHRASE: 'holds',
  SECURESTORE_PASSPHRASE_FILE: 'names a file with',
  SECURESTORE_PASSPHRASE_COMMAND: 'names a command, which may write',
} as const;

/** What is to be changed so that the next command opens the store by the new secret. @param keyFile with the new secret, if a file has it */
function noteOldSecret(call: Call, keyFile: string | undefined): void {
  const name = secretVariable(call);
  if (name === undefined) return;
  const next =
    name === 'SECURESTORE_KEY_FILE' && keyFile !== undefined
      ? `; to use the new one: export ${shellWords([`${name}=${keyFile}`])}`
      : '';
  call.out.note(printable(`$${name} still ${OLD[name]} the old secret${next}`));
}

/** The id of whatever rotation is under way. */
const ROTATION = 'rotation';

async function renew(
  call: Call<RotateOptions>,
  store: SecureStore,
  before: UnlockSecretMethod,
  after: UnlockSecretMethod,
  keyFile?: string,
): Promise<ExitCode> {
  const { cli, out, options } = call;
  const left = (await store.jobs.list()).find(({ id }) => id === ROTATION);
  if (left !== undefined && (left.state === 'interrupted' || left.state === 'damaged')) {
    out.note('an earlier rotation was not finished: one to the same depth does what is left of it as well');
  }
  const slots = await store.slots.list();
  const job = store.rotateEncryptionKey(before, after, { depth: options.depth, signal: cli.signal });
  const kept = before === after;
  // The old secret, or a kit that this rotation has ended, opens the store to none of the commands that follow.
  const next = kept ? call : { ...call, options: withNewSecret(options) };
  try {
    const secret = kept
      ? 'the unlock secret is unchanged'
      : 'the new unlock secret unlocks the store, the old one no longer does';
    const done = await watchJob(cli, call.verb, job);
    const last = protectionLines(done, !kept);
    call.openedBy(next.options);
    const exitCode = await sayRotation(next, store, done, rotationLine(done, secret), { last });
    if (!kept) {
      await sayOtherSlots(next, store);
      noteOldSecret(call, keyFile);
    }
    return exitCode;
  } catch (error) {
    if (!kept && (await sayWhichSecret(call, store, slots, keyFile))) call.openedBy(next.options);
    throw error;
  }
}

async function resume(call: Call<RotateOptions>, store: SecureStore): Promise<ExitCode> {
  // A job that is resumed reports what it would have reported.
  const job = store.jobs.resume(ROTATION, { signal: call.cli.signal }) as Job<RotationReport>;
  const done = await watchJob(call.cli, call.verb, job);
  // Whether the rotation replaced the secret is known to the call that began it.
  return await sayRotation(call, store, done, rotationLine(done), { last: protectionLines(done, false) });
}

/** A key file of a laptop that was stolen may be another slot than the one that was replaced. */
async function sayOtherSlots(call: Call, store: SecureStore): Promise<void> {
  const others = (await store.slots.list()).length - 1;
  if (others === 0) return;
  const unlock = others === 1 ? 'other slot still unlocks' : 'other slots still unlock';
  const list = new Commands(call).on(['slot', 'list']);
  call.out.note(printable(`${others} ${unlock} the store; to list all: ${list}`));
}

/** @returns whether the new secret has replaced the old one */
async function sayWhichSecret(
  call: Call,
  store: SecureStore,
  before: readonly { id: string }[],
  keyFile: string | undefined,
): Promise<boolean> {
  try {
    const after = await store.slots.list();
    const replaced = before.some(({ id }) => after.every((slot) => slot.id !== id));
    call.out.note(
      replaced ? 'the new unlock secret is in effect: only it unlocks the store' : 'the unlock secret is unchanged',
    );
    if (replaced) noteOldSecret(call, keyFile);
    return replaced;
  } catch {
    // What stopped the rotation is what is reported.
    return false;
  }
}
