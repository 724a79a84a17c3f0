import { SecureStoreError } from '@securestore/core-format';
import type { Job, JobSummary, RotationDepth, RotationReport, SecureStore, UnlockMethod } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call.ts';
import { watchJob } from '../job-progress.ts';
import { ensureKeyFile } from '../key-file.ts';
import { withStore, withUnlockedStore } from '../open.ts';
import { findNewSecret, type NewSecretOptions, secretVariable, unlockWith } from '../secret.ts';
import { count, printable } from '../terminal-text.ts';

export interface RotateOptions extends NewSecretOptions {
  readonly depth?: RotationDepth;
  readonly sameSecret?: boolean;
  readonly resume?: boolean;
}

const DEPTHS: readonly string[] = ['unlock', 'keys', 'data'];

/** `securestore rotate`. */
export async function rotate(call: Call<RotateOptions>): Promise<ExitCode> {
  if (call.options.resume === true) return await withStore(call, (store) => resume(call, store));
  return await withUnlockedStore(call, (store, unlock) =>
    call.options.sameSecret === true ? renew(call, store, unlock, unlock) : replaceSecret(call, store, unlock),
  );
}

async function replaceSecret(call: Call<RotateOptions>, store: SecureStore, unlock: UnlockMethod): Promise<ExitCode> {
  const { cli, out, options } = call;
  const source = findNewSecret(cli, options, ', or --same-secret to keep the one that there is');
  if (source.kind === 'key-file' && (await ensureKeyFile(source.path))) {
    out.note(`made the key file ${printable(source.path)}; keep a copy of it apart from the store`);
  }
  using next = await unlockWith(source);
  // Asked for now, and not once the rotation runs.
  if (await isSameSecret(unlock, next.method)) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      'nothing was changed: that is the present secret. To keep it and renew what is under it, give --same-secret',
    );
  }
  return await renew(call, store, unlock, next.method);
}

async function isSameSecret(before: UnlockMethod, after: UnlockMethod): Promise<boolean> {
  const next = await after.secret();
  try {
    if (before.type !== after.type) return false;
    const present = await before.secret();
    try {
      return next.equals(present);
    } finally {
      present.fill(0);
    }
  } finally {
    next.fill(0);
  }
}

/** What is to be changed so that the next command opens the store by the new secret. */
function noteOldSecret(call: Call): void {
  const name = secretVariable(call);
  if (name === undefined) return;
  call.out.note(`$${name} still ${name.endsWith('_FILE') ? 'names a file with' : 'holds'} the old secret`);
}

/** Of one that is damaged only the id is known. */
async function rotations(store: SecureStore): Promise<JobSummary[]> {
  return (await store.jobs.list()).filter(({ id, kind = id }) => kind === 'rotation');
}

const depthOf = ({ id }: Pick<JobSummary, 'id'>): string => id.slice(id.indexOf('-') + 1);

async function renew(
  call: Call<RotateOptions>,
  store: SecureStore,
  before: UnlockMethod,
  after: UnlockMethod,
): Promise<ExitCode> {
  const { cli, out, options } = call;
  const unfinished = (await rotations(store)).filter(({ state }) => state === 'interrupted');
  if (unfinished.length > 0) out.note('an earlier rotation was not finished; this one does what is left of it as well');
  const slots = await store.slots.list();
  const job = store.rotateEncryptionKey(before, after, { depth: options.depth, signal: cli.signal });
  const kept = before === after;
  try {
    const secret = kept ? 'the secret stays' : 'the new secret opens the store, the old one no longer does';
    const exitCode = await report(call, await watchJob(cli, call.verb, job), secret);
    if (!kept) noteOldSecret(call);
    await forgetDone(call, store, options.depth ?? 'keys');
    return exitCode;
  } catch (error) {
    if (!kept) await sayWhichSecret(call, store, slots);
    throw error;
  }
}

/** An unfinished rotation that went less far than one that is done has nothing left to do. */
async function forgetDone({ out }: Call, store: SecureStore, done: RotationDepth): Promise<void> {
  for (const job of await rotations(store)) {
    if (job.state !== 'interrupted') continue;
    if (DEPTHS.indexOf(depthOf(job)) <= DEPTHS.indexOf(done)) await store.jobs.forget(job.id);
    else out.note(`a rotation to the depth ${depthOf(job)} is unfinished; go on with: securestore rotate --resume`);
  }
}

async function resume(call: Call<RotateOptions>, store: SecureStore): Promise<ExitCode> {
  const jobs = await rotations(store);
  if (jobs.length === 0) throw new SecureStoreError('NOT_FOUND', 'no rotation is unfinished; nothing is left to do');
  let exitCode = 0;
  for (const { id } of jobs) {
    // A job that is resumed reports what it would have reported.
    const job = store.jobs.resume(id, { signal: call.cli.signal }) as Job<RotationReport>;
    try {
      exitCode = (await report(call, await watchJob(call.cli, call.verb, job))) || exitCode;
    } catch (error) {
      // It was stopped before it changed anything, and would stand in the list for ever.
      if (SecureStoreError.is(error, 'NOT_FOUND')) await store.jobs.forget(id).catch(() => undefined);
      throw error;
    }
  }
  return exitCode;
}

async function sayWhichSecret(call: Call, store: SecureStore, before: readonly { id: string }[]): Promise<void> {
  try {
    const after = await store.slots.list();
    const replaced = before.some(({ id }) => after.every((slot) => slot.id !== id));
    call.out.note(
      replaced ? 'the new secret has taken effect: only it opens the store now' : 'the secret is the one it was',
    );
    if (replaced) noteOldSecret(call);
  } catch {
    // What stopped the rotation is what is reported.
  }
}

/** Says what a rotation did. @param secret what became of the secret */
async function report({ out, verb }: Call, done: RotationReport, secret?: string): Promise<number> {
  const { failures, strays, ...summary } = done;
  for (const { name, code } of failures) {
    const error = new SecureStoreError(code, 'it could not be brought under the new keys, and is as it was');
    out.error(error, { operation: verb, subject: name });
    if (out.json) await out.result({ name, status: 'failed', error: { code } }, () => []);
  }
  for (const { name, code } of strays) {
    const reason =
      'nobody who has the keys wrote it; it keeps no key in use, and securestore collect removes it in time';
    await out.result({ name, status: 'stray', error: { code } }, () => [`stray: ${printable(name)}: ${reason}`]);
  }
  await out.result({ summary }, () => reportLines(done, secret));
  return done.failed > 0 ? SOME_FAILED : 0;
}

function reportLines(
  { depth, examined, rekeyed, failed, retired, remaining }: RotationReport,
  secret?: string,
): string[] {
  const left = Object.entries(remaining).map(([id, number]) => `${id} (${count(number, 'object')})`);
  const lines = [`rotated to the depth ${depth}${secret === undefined ? '' : `: ${secret}`}`];
  if (depth === 'unlock') return lines;
  lines.push(`looked at ${count(examined, 'object')}: ${rekeyed} brought under new keys, ${failed} failed`);
  if (retired.length > 0) lines.push(`retired: ${retired.join(', ')}`);
  if (left.length > 0) lines.push(`still in use: ${left.join(', ')}; run securestore rotate --same-secret again later`);
  return lines;
}
