import type { WriteOptions, WriteResult } from '@securestore/backend-api';
import type { JournalPurpose, SystemBody } from '@securestore/core-format';
import {
  decodeSystemBody,
  generationOf,
  isDamage,
  SecureStoreError,
  systemBodyKeyId,
  systemContext,
} from '@securestore/core-format';
import { openSystemBody, sealSystemBody } from '@securestore/crypto';
import type { SealingPorts } from './ports.ts';
import type { StoreState } from '../head/store-state.ts';

/** What purposes are called in messages. */
const LABELS: Readonly<Record<JournalPurpose, string>> = {
  hint: 'journal hint',
  writer: 'registration of a writer',
  consumer: 'state of a consumer',
  job: 'state of a job',
  checkpointPage: 'page of a checkpoint',
  checkpoint: 'checkpoint',
  marker: 'collection marker',
};

/** What lies at the name of an object of the store's own. */
export interface Stored {
  readonly etag: string;
  /** Milliseconds since 1970 by the backend's clock. */
  readonly modified: number;
  /** The same clock at the time of reading, where the backend tells it. */
  readonly now: number | undefined;
}

/** An object of the store's own, opened. */
export interface SystemObject extends Stored {
  readonly plaintext: Buffer;
  /** The version of the journal key that it is sealed under. */
  readonly keyId: Buffer;
}

/** Bytes that nobody who has the keys has put there, for the reason that the error says. */
export interface DamagedObject extends Stored {
  readonly error: SecureStoreError;
  /** Whether it names a key version that was retired: somebody may have put it there who had that rightly, and was late. */
  readonly isRetired: boolean;
}

export function contextOf(state: StoreState, name: string): Buffer {
  return systemContext(state.head.instance, generationOf(name) ?? 0, name);
}

/** Whether an error says that an object, forged or damaged, isn't what a holder of the keys wrote. */
export function isForged(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error, 'INTEGRITY');
}

/**
 * Takes a body apart. A version in it that this release doesn't read is damage: nothing has authenticated it yet, so
 * anybody can write it there. What a newer release has changed the signed head says.
 *
 * @throws SecureStoreError `INTEGRITY`
 */
function decodeJournalBody(what: string, purpose: JournalPurpose, body: Uint8Array): SystemBody {
  try {
    return decodeSystemBody(what, purpose, body);
  } catch (error) {
    if (!SecureStoreError.is(error, 'FORMAT_VERSION')) throw error;
    throw new SecureStoreError('INTEGRITY', `${what} is damaged: ${error.message}`, { cause: error });
  }
}

/**
 * Opens the body of an object that is sealed under the journal key.
 *
 * @throws SecureStoreError `INTEGRITY`; `LOCKED` where the newest keys can't be had
 */
export async function openJournalBody(
  { monitor }: SealingPorts,
  purpose: JournalPurpose,
  name: string,
  body: Uint8Array,
  signal?: AbortSignal,
): Promise<Buffer> {
  const what = `the ${LABELS[purpose]} ${name}`;
  const { keyId, suite } = decodeJournalBody(what, purpose, body);
  // Written by somebody who has followed the head further.
  if (monitor.state.keys.journal.version(keyId) === undefined) {
    await monitor.refresh(signal);
    monitor.checkFollowing();
  }
  const { state } = monitor;
  if (!state.head.suites.includes(suite)) state.events?.refusedSuite(suite);
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
  engine: SealingPorts,
  purpose: JournalPurpose,
  name: string,
  plaintext: Uint8Array,
  salt?: Uint8Array,
): Promise<Buffer> {
  const wait = engine.monitor.acknowledge();
  if (wait !== undefined) await wait;
  // Nobody whose slot is gone announces, claims or keeps anything.
  engine.monitor.checkFollowing();
  const { state } = engine.monitor;
  const random = salt === undefined ? engine.random : (): Buffer => Buffer.from(salt);
  return sealSystemBody(state.keys.journal.primary, purpose, contextOf(state, name), plaintext, random);
}

function namesRetired({ monitor }: SealingPorts, body: Uint8Array): boolean {
  try {
    const label = systemBodyKeyId(body).toString('hex');
    return monitor.state.keys.versions.some((version) => version.label === label && version.state === 'disabled');
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

/** What lies at `name`, also where it is damaged. @throws SecureStoreError what the backend throws, and `LOCKED` */
export async function lookAtSystemObject(
  engine: SealingPorts,
  purpose: JournalPurpose,
  name: string,
  signal?: AbortSignal,
): Promise<SystemObject | DamagedObject | undefined> {
  const found = await engine.backend.read(name, { signal });
  if (found === undefined) return undefined;
  const stored = { etag: found.etag ?? '', modified: found.modified, now: found.now };
  try {
    const plaintext = await openJournalBody(engine, purpose, name, found.body, signal);
    return { ...stored, plaintext, keyId: systemBodyKeyId(found.body) };
  } catch (error) {
    if (!isForged(error)) throw error;
    return { ...stored, error, isRetired: namesRetired(engine, found.body) };
  }
}

/** @throws SecureStoreError `INTEGRITY`, and what the backend throws */
export async function readSystemObject(
  engine: SealingPorts,
  purpose: JournalPurpose,
  name: string,
  signal?: AbortSignal,
): Promise<SystemObject | undefined> {
  const found = await lookAtSystemObject(engine, purpose, name, signal);
  if (found !== undefined && 'error' in found) throw found.error;
  return found;
}

/** @throws SecureStoreError `CONFLICT` on a failed condition, `LOCKED` where the slot of this process is gone, and what the backend throws */
export async function writeSystemObject(
  engine: SealingPorts,
  purpose: JournalPurpose,
  name: string,
  plaintext: Uint8Array,
  options: WriteOptions,
): Promise<WriteResult> {
  return engine.backend.write(name, await sealJournalBody(engine, purpose, name, plaintext), options);
}

/** Deletes an object, if it is still as it was read where the backend can say so; one that has changed is left. */
export async function deleteUnchanged(engine: SealingPorts, name: string, etag: string): Promise<void> {
  const conditional = engine.backend.capabilities.conditionalDelete;
  try {
    await engine.backend.delete(name, conditional ? { ifMatch: etag } : {});
  } catch (error) {
    if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
  }
}
