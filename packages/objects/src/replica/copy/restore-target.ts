import { createSecretKey } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import {
  copySecret,
  decodeKeyring,
  encodeKeyring,
  HEAD_NAME,
  ID_LENGTH,
  KEY_LENGTH,
  SecureStoreError,
  sha256,
  splitRecord,
} from '@securestore/core-format';
import type { KeySet } from '@securestore/crypto';
import { loadKeyring, rewrapRecord, sealSystemBody } from '@securestore/crypto';
import { instant, isUndecided } from '@securestore/jobs';
import { ancestorsAfter, isInstance, pastInstancesAfter } from '../../head/ancestry.ts';
import { hasRemains } from '../../head/store-remains.ts';
import { engineOf } from '../../engine/create-engine.ts';
import type { Engine } from '../../engine/engine.ts';
import { ownerKeys, rootOf } from '../../head/unlock/owner-keys.ts';
import { resealSlots } from '../../engine/new-keys.ts';
import { signedHead } from '../../head/sign-head.ts';
import { loadState, readHead, readKeyring } from '../../head/store-state.ts';
import { RESTORE_NAME } from '../../head/intent-marker.ts';
import type { Foundation } from './restore-bootstrap.ts';
import { writeFoundedReferences } from './write-references.ts';
import { encodeFoundation, renewed } from './restore-bootstrap.ts';
import { keysBackend } from './read-only-backend.ts';
import type { RestoreSource } from './restore-begun.ts';
import { begunBefore, keyringDigest, restoreContext, restoreKey, wipeFoundation } from './restore-begun.ts';
import { takenMeanwhile, targetTaken } from './target-taken.ts';
import type { UnlockedCopy } from './unlock-copy.ts';

export interface FoundingOptions {
  /** Whether it is made for a drill, and is to be opened by nobody else. */
  readonly scratch?: boolean | undefined;
  /** Whether what is restored has all of the audit log that the head of the copy knows of, so that it is missed if it isn't there; by default it has. */
  readonly hasWholeLog?: boolean | undefined;
}

/** A store that is being made of a copy: its objects are written first, its head last. Made by {@link foundStore}. */
export class FoundedStore {
  readonly #copy: UnlockedCopy;
  readonly #target: StorageBackend;
  readonly #foundation: Foundation;
  readonly #keys: KeySet;
  /** Whether an earlier run has begun to restore the same here: what it has written counts. */
  readonly resumed: boolean;
  readonly #options: FoundingOptions;

  constructor(
    copy: UnlockedCopy,
    target: StorageBackend,
    foundation: Foundation,
    { resumed, ...options }: FoundingOptions & { readonly resumed: boolean },
  ) {
    this.#options = options;
    this.#copy = copy;
    this.#target = target;
    this.#foundation = foundation;
    this.resumed = resumed;
    // Loading wipes what it is given.
    const encoded = encodeKeyring(foundation.keyring);
    this.#keys = loadKeyring(decodeKeyring(encoded));
    encoded.fill(0);
  }

  /**
   * A record of the copy as the new store is to have it, under its keys; `undefined` if its category has none any more.
   *
   * @param into memory of the same length, which may be that of the record; by default new
   * @throws SecureStoreError `INTEGRITY`
   */
  adopt(record: Uint8Array, into?: Buffer): Buffer | undefined {
    const { header, envelope } = splitRecord(record);
    if (this.#keys.isDestroyed(header.categoryId)) return undefined;
    const { primary } = this.#keys.category(header.categoryId);
    const under = this.#copy.state.keys.version(envelope.keyId, header.categoryId);
    // A new version of the key is of the suite of the one before.
    return rewrapRecord(record, under, primary, into);
  }

  /**
   * Writes what the head names, and the head: from then on the store is there.
   *
   * @returns its generation and instance
   * @throws SecureStoreError `ALREADY_EXISTS` if another store has come in between; what the backend throws
   */
  async finish(signal?: AbortSignal): Promise<Pick<Head, 'instance' | 'generation'>> {
    const { state, clock } = this.#copy;
    const { instance } = this.#foundation;
    const { scratch = false, hasWholeLog = true } = this.#options;
    const before = this.#copy.head;
    const root = createSecretKey(this.#foundation.root);
    const slots = await resealSlots(before.slots, before.lineage, { number: before.rootNumber + 1, key: root });
    const references = await writeFoundedReferences(
      {
        state,
        before,
        source: keysBackend(this.#copy.keys),
        target: this.#target,
        instance,
        keyring: this.#foundation.keyring,
        keys: this.#keys,
        root,
        random: this.#copy.random,
      },
      signal,
    );
    const { audit, rotation: _, ...settings } = before;
    const head: Head = {
      ...settings,
      ...(audit && {
        // What is not there was not cut off: it is of another time.
        audit: hasWholeLog ? audit : { ...audit, ends: [] },
        instances: pastInstancesAfter(before),
      }),
      instance,
      parent: { instance: before.instance, generation: before.generation },
      generation: before.generation + 1,
      ancestors: ancestorsAfter(before),
      time: clock.now(),
      rootNumber: before.rootNumber + 1,
      state: scratch ? 'scratch' : 'open',
      slots,
      references,
    };
    const body = signedHead(head, ownerKeys(state).identity);
    try {
      await this.#target.write(HEAD_NAME, body, { ifAbsent: true, signal });
    } catch (error) {
      if (!isUndecided(error)) throw error;
      const found = await readHead(this.#target, signal);
      if (found === undefined) throw error;
      if (!isInstance(found.head, { instance })) throw takenMeanwhile();
    }
    await this.#target.delete(RESTORE_NAME, { signal }).catch(() => undefined);
    return { instance, generation: head.generation };
  }

  /** The engine of the store, once it is finished: for whoever has made it, also if it is a scratch store that nobody else opens. */
  async engineAt(url: string, signal?: AbortSignal): Promise<Engine> {
    const { clock, random, state } = this.#copy;
    const begun = instant(clock);
    const read = await readHead(this.#target, signal);
    if (read === undefined) throw new SecureStoreError('INTEGRITY', 'the head of the restored store is missing');
    const unlocked = { ...state.unlocked, root: createSecretKey(this.#foundation.root), wipe: () => undefined };
    const loaded = await loadState(this.#target, read.head, unlocked, {}, signal);
    return engineOf({ backend: this.#target, url, random }, clock, { begun, read, state: loaded });
  }

  /** Forgets the keys. */
  wipe(): void {
    wipeFoundation(this.#foundation);
  }
}

/** Whether a store is what an earlier run was to make, which was interrupted after that; what it needed is removed then. */
async function wasFinished(
  copy: UnlockedCopy,
  target: StorageBackend,
  source: Buffer,
  { instance }: Head,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let begun: Foundation | undefined;
  try {
    begun = await begunBefore(copy, target, source, signal);
  } catch (error) {
    if (!SecureStoreError.is(error, 'ALREADY_EXISTS')) throw error;
  }
  if (begun === undefined) return false;
  wipeFoundation(begun);
  const isFinished = begun.instance.equals(instance);
  if (isFinished) await target.delete(RESTORE_NAME, { signal });
  return isFinished;
}

/**
 * Begins to make a store of a copy, or resumes that: a new instance of the same lineage and identity, with new keys, which the same
 * secrets open.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` if something is stored there already; `ACCESS_DENIED` for a member; what the backend throws
 */
export async function foundStore(
  copy: UnlockedCopy,
  target: StorageBackend,
  { what, asked, pin }: RestoreSource,
  { signal, ...options }: FoundingOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<FoundedStore> {
  rootOf(copy.state);
  const digest = sha256(what);
  const there = await readHead(target, signal);
  if (there !== undefined && (await wasFinished(copy, target, digest, there.head, signal))) {
    throw new SecureStoreError(
      'ALREADY_EXISTS',
      'the restore to the target is already complete, and its store can be opened',
    );
  }
  if (there !== undefined) {
    throw targetTaken('the target already has a store');
  }
  const before = await begunBefore(copy, target, digest, signal);
  if (before !== undefined) return new FoundedStore(copy, target, before, { ...options, resumed: true });
  if (await hasRemains(target, signal)) {
    throw targetTaken('the target has objects of a store without a head');
  }
  const { random, clock } = copy;
  const keyring = await readKeyring(keysBackend(copy.keys), copy.head, rootOf(copy.state), signal);
  const foundation: Foundation = {
    source: digest,
    keys: keyringDigest(copy),
    asked: sha256(asked),
    pin: Buffer.from(pin),
    instance: random(ID_LENGTH),
    root: copySecret(random(KEY_LENGTH)),
    keyring: renewed(keyring, clock.now(), random),
  };
  const plaintext = encodeFoundation(foundation);
  const body = sealSystemBody(restoreKey(copy), 'keyring', restoreContext(copy), plaintext, random);
  plaintext.fill(0);
  await target.write(RESTORE_NAME, body, { ifAbsent: true, signal });
  return new FoundedStore(copy, target, foundation, { ...options, resumed: false });
}
