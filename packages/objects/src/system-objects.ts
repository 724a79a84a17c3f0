import type { WriteOptions, WriteResult } from '@securestore/backend-api';
import type { Purpose } from '@securestore/core-format';
import { decodeSystemBody, generationOf, SecureStoreError, systemContext } from '@securestore/core-format';
import { openSystemBody, sealSystemBody } from '@securestore/crypto';
import type { Engine } from './engine.ts';
import type { StoreState } from './state.ts';

/** What purposes are called in messages. */
const LABELS: Readonly<Record<Purpose, string>> = {
  keyring: 'keyring',
  categoryMap: 'category map',
  hint: 'journal hint',
  writer: 'registration of a writer',
  consumer: 'state of a consumer',
  job: 'state of a job',
  checkpointPage: 'page of a checkpoint',
  checkpoint: 'checkpoint',
  marker: 'collection marker',
};

/** An object of the store's own, opened. */
export interface SystemObject {
  readonly plaintext: Buffer;
  readonly etag: string;
  /** Milliseconds since 1970 by the backend's clock. */
  readonly modified: number;
  /** The same clock at the time of reading, where the backend tells it. */
  readonly now: number | undefined;
}

type JournalPurpose = Exclude<Purpose, 'keyring' | 'categoryMap'>;

/** What is needed to seal and open them. */
type Ports = Pick<Engine, 'backend' | 'random' | 'watcher'>;

export function contextOf(state: StoreState, name: string): Buffer {
  return systemContext(state.head.instance, generationOf(name) ?? 0, name);
}

/**
 * Opens the body of an object that is sealed under the journal key.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`; `LOCKED` where the newest keys can't be had
 */
export async function openJournalBody(
  { watcher }: Ports,
  purpose: JournalPurpose,
  name: string,
  body: Uint8Array,
  signal?: AbortSignal,
): Promise<Buffer> {
  const what = `the ${LABELS[purpose]} ${name}`;
  const { keyId } = decodeSystemBody(what, purpose, body);
  // Written by somebody who has followed the head further.
  if (watcher.state.keys.journal.version(keyId) === undefined) {
    await watcher.refresh(signal);
    watcher.checkFollowing();
  }
  const { state } = watcher;
  const context = contextOf(state, name);
  return openSystemBody(what, (id) => state.keys.journal.version(id), state.head.suites, purpose, context, body);
}

/**
 * Seals a body for `name` under the primary journal key, of which it makes sure that nobody has retired it meanwhile.
 *
 * @param plaintext the caller's to wipe
 * @param salt by default random; given where equal plaintexts are to become equal bodies, it must be a keyed digest of
 *   the plaintext, so that no two plaintexts share it
 * @throws SecureStoreError `LOCKED` where the slot of this process is gone, and what confirming the head throws
 */
export async function sealJournalBody(
  engine: Ports,
  purpose: JournalPurpose,
  name: string,
  plaintext: Uint8Array,
  salt?: Uint8Array,
): Promise<Buffer> {
  const wait = engine.watcher.acknowledge();
  if (wait !== undefined) await wait;
  // Nobody whose slot is gone announces, claims or keeps anything.
  engine.watcher.checkFollowing();
  const { state } = engine.watcher;
  const random = salt === undefined ? engine.random : (): Buffer => Buffer.from(salt);
  return sealSystemBody(state.keys.journal.primary, purpose, contextOf(state, name), plaintext, random);
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws */
export async function readSystemObject(
  engine: Ports,
  purpose: JournalPurpose,
  name: string,
  signal?: AbortSignal,
): Promise<SystemObject | undefined> {
  const found = await engine.backend.read(name, { signal });
  if (found === undefined) return undefined;
  const plaintext = await openJournalBody(engine, purpose, name, found.body, signal);
  return { plaintext, etag: found.etag ?? '', modified: found.modified, now: found.now };
}

/** @throws SecureStoreError `CONFLICT` on a failed condition, and what the backend throws */
export async function writeSystemObject(
  engine: Ports,
  purpose: JournalPurpose,
  name: string,
  plaintext: Uint8Array,
  options: WriteOptions,
): Promise<WriteResult> {
  return engine.backend.write(name, await sealJournalBody(engine, purpose, name, plaintext), options);
}

/** Deletes an object, if it is still as it was read where the backend can say so; one that has changed is left. */
export async function deleteUnchanged(engine: Ports, name: string, etag: string): Promise<void> {
  const conditional = engine.backend.capabilities.conditionalDelete;
  try {
    await engine.backend.delete(name, conditional ? { ifMatch: etag } : {});
  } catch (error) {
    if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
  }
}
