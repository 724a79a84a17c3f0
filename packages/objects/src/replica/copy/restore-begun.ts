import type { KeyObject } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { KEY_LENGTH, SecureStoreError, sha256, systemContext } from '@securestore/core-format';
import { keyringKey, openSystemBody, unversioned, wipeKeyring } from '@securestore/crypto';
import { rootOf } from '../../head/unlock/owner-keys.ts';
import { RESTORE_NAME } from '../../head/intent-marker.ts';
import type { Foundation } from './restore-bootstrap.ts';
import { decodeFoundation } from './restore-bootstrap.ts';
import { targetTaken } from './target-taken.ts';
import type { UnlockedCopy } from './unlock-copy.ts';

/** What a store is made of. */
export interface RestoreSource {
  /** What is restored: going on with another one is refused. */
  readonly what: Uint8Array;
  /** What was asked for, of which something else may become `what` later. */
  readonly asked: Uint8Array;
  /** What {@link begunWith} gives to whoever asks for the same again; at most 65,535 bytes. */
  readonly pin: Uint8Array;
}

export function restoreKey(copy: UnlockedCopy): { readonly secret: KeyObject; readonly suite: number } {
  return { secret: keyringKey(rootOf(copy.state)), suite: copy.state.keys.journal.primary.suite };
}

/** Not of a generation: who may do what can change while a restore is interrupted, and the new store has it as it is at its end. */
export const restoreContext = ({ head }: UnlockedCopy): Buffer =>
  systemContext(head.lineage, head.rootNumber, RESTORE_NAME);

export const keyringDigest = ({ head }: UnlockedCopy): Buffer =>
  Buffer.from(head.references.keyring?.digest ?? Buffer.alloc(KEY_LENGTH));

export function wipeFoundation({ root, keyring }: Foundation): void {
  root.fill(0);
  wipeKeyring(keyring);
}

/** What an earlier run has left; `undefined` if there is nothing. @throws SecureStoreError `INTEGRITY` if the keys of now don't open it */
async function readFoundation(
  copy: UnlockedCopy,
  target: StorageBackend,
  signal: AbortSignal | undefined,
): Promise<Foundation | undefined> {
  const found = await target.read(RESTORE_NAME, { signal });
  if (found === undefined) return undefined;
  const key = unversioned(restoreKey(copy).secret);
  const opened = openSystemBody('the restore', key, copy.head.suites, 'keyring', restoreContext(copy), found.body);
  try {
    const begun = decodeFoundation(opened);
    if (begun.keys.equals(keyringDigest(copy))) return begun;
    wipeFoundation(begun);
    throw new SecureStoreError('INTEGRITY', 'the encryption keys have changed since the restore was begun');
  } finally {
    opened.fill(0);
  }
}

/**
 * The pin of a restore that was begun here and not finished, if the same was asked for; otherwise `undefined`, and `foundStore` says
 * what is there.
 *
 * @throws SecureStoreError `ACCESS_DENIED` for a member; what the backend throws
 */
export async function begunWith(
  copy: UnlockedCopy,
  target: StorageBackend,
  asked: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  rootOf(copy.state);
  try {
    const begun = await readFoundation(copy, target, signal);
    if (begun === undefined) return undefined;
    wipeFoundation(begun);
    return begun.asked.equals(sha256(asked)) ? begun.pin : undefined;
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    return undefined;
  }
}

/** What an earlier run has begun, if it is of the same. @throws SecureStoreError `ALREADY_EXISTS` if it is of something else; what the backend throws */
export async function begunBefore(
  copy: UnlockedCopy,
  target: StorageBackend,
  source: Buffer,
  signal: AbortSignal | undefined,
): Promise<Foundation | undefined> {
  let begun: Foundation | undefined;
  try {
    begun = await readFoundation(copy, target, signal);
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    throw targetTaken(
      'the target has an unfinished restore that the keys of the backup do not open. They were changed since, or it was of another backup',
      error,
    );
  }
  if (begun === undefined || begun.source.equals(source)) return begun;
  wipeFoundation(begun);
  throw targetTaken(
    'the target has an unfinished restore of another snapshot, or of other objects. Only the same restore can resume it',
  );
}
