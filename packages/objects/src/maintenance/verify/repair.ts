import type { StorageBackend } from '@securestore/backend-api';
import {
  AREAS,
  blobPrefix,
  blobsPrefix,
  historyName,
  historyPrefix,
  historyVersion,
  objectName,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import type { Expectation } from '../../checkpoint/baseline.ts';
import { compare } from '../../checkpoint/contradiction.ts';
import type { Engine } from '../../engine/engine.ts';
import { withBackend } from '../../engine/engine.ts';
import type { Inspection } from '../../record/inspect-record.ts';
import { inspectRecord } from '../../record/inspect-record.ts';
import { pagesUnder } from '../../util/listing.ts';
import type { LookOptions } from './blobs.ts';
import type { Look } from './inspect-object.ts';
import { lookAtObject } from './inspect-object.ts';
import { keyOfToken } from '../../record/decode-name.ts';
import { historyNames } from './scan.ts';
import type { Finding } from './report.ts';

/** How often an object is looked at and mended: its record first, then what that shows to be missing. */
const ROUNDS = 4;

const NOTHING: Expectation = { entry: undefined, floor: undefined };

/** What mending one object goes by. */
interface Mending {
  readonly engine: Engine;
  /** The engine on the copy that is taken from. */
  readonly copy: Engine;
  readonly token: string;
  readonly expected: Expectation;
  /** Names at which the copy itself is not right. */
  readonly unusable: ReadonlySet<string>;
  readonly signal: AbortSignal | undefined;
}

function look(
  engine: Engine,
  token: string,
  expected: Expectation,
  { onBytes, signal }: Pick<LookOptions, 'onBytes' | 'signal'>,
): Promise<Look> {
  const history = (): Promise<string[]> => historyNames(engine, token, signal);
  return lookAtObject(engine, { token, history, expected }, { payloads: true, onBytes, signal });
}

/** What lies at a name; `undefined` also if the backend itself sees that it is nothing that was written. */
async function bytesAt(
  backend: StorageBackend,
  name: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly body: Uint8Array; readonly etag: string } | 'too large' | undefined> {
  try {
    const found = await backend.read(name, { signal });
    return found && { body: found.body, etag: found.etag ?? '' };
  } catch (error) {
    if (SecureStoreError.is(error, 'INTEGRITY')) return 'too large';
    throw error;
  }
}

/** Puts `body` at a name, in the place of what was looked at there. @returns whether that changed anything */
async function put({ engine, signal }: Mending, name: string, body: Uint8Array): Promise<boolean> {
  const there = await bytesAt(engine.backend, name, signal);
  if (there === 'too large' || (there !== undefined && Buffer.compare(there.body, body) === 0)) return false;
  try {
    await engine.backend.write(name, body, there === undefined ? { ifAbsent: true } : { ifMatch: there.etag });
    return true;
  } catch (error) {
    // Somebody has changed it since: it is looked at again.
    if (SecureStoreError.is(error, 'CONFLICT')) return true;
    throw error;
  }
}

const isSound = (observed: Inspection): observed is Extract<Inspection, { state: 'sound' }> =>
  observed.state === 'sound';

/** The version that a record says it is, which nothing has authenticated; 0 if it says none. */
function claimedVersion(body: Uint8Array): number {
  try {
    return splitRecord(body).header.version;
  } catch (error) {
    if (SecureStoreError.is(error)) return 0;
    throw error;
  }
}

/**
 * Whether a version was replaced by a newer one, as far as the store can still tell: what replaces a version copies it to the history
 * first. Bringing it back would undo, without a word, what was acknowledged since.
 */
async function wasReplaced({ engine, token, signal }: Mending, version: number): Promise<boolean> {
  const [newest] = await historyNames(engine, token, signal);
  const past = newest === undefined ? undefined : historyVersion(historyPrefix(token), newest);
  if (past !== undefined && past >= version) return true;
  const there = await bytesAt(engine.backend, objectName(token), signal);
  return typeof there === 'object' && claimedVersion(there.body) > version;
}

/** The current record, if the copy has one that is what should be there and nothing newer is at hand. */
async function mendRecord(mending: Mending): Promise<boolean> {
  const { copy, token, expected, signal } = mending;
  const name = objectName(token);
  const candidate = await inspectRecord(copy, token, name, signal);
  if (!isSound(candidate) || compare(expected.entry, candidate, expected.floor) !== undefined) return false;
  const { version } = candidate.header;
  if (await wasReplaced(mending, version)) return false;
  const found = await bytesAt(copy.backend, name, signal);
  return typeof found === 'object' && put(mending, name, found.body);
}

/** The bytes of a version in the copy, which may be the current one there. */
async function versionIn({ copy, token, unusable, signal }: Mending, version: number): Promise<Uint8Array | undefined> {
  for (const name of [historyName(token, version), objectName(token)]) {
    if (unusable.has(name)) continue;
    const observed = await inspectRecord(copy, token, name, signal);
    if (!isSound(observed) || observed.header.version !== version) continue;
    const found = await bytesAt(copy.backend, name, signal);
    if (typeof found === 'object') return found.body;
  }
  return undefined;
}

async function mendVersion(mending: Mending, version: number): Promise<boolean> {
  const body = await versionIn(mending, version);
  return body !== undefined && put(mending, historyName(mending.token, version), body);
}

/** Versions that are missing between others, or at the end. */
async function mendHistory(mending: Mending): Promise<boolean> {
  const { engine, copy, token, signal } = mending;
  const current = await inspectRecord(engine, token, objectName(token), signal);
  if (!('header' in current)) return false;
  const there = new Set(await historyNames(engine, token, signal));
  const versions = (await historyNames(copy, token, signal)).map((name) => historyVersion(historyPrefix(token), name));
  const latest = await inspectRecord(copy, token, objectName(token), signal);
  if (isSound(latest)) versions.push(latest.header.version);
  let changed = false;
  for (const version of versions) {
    if (version === undefined || version >= current.header.version || there.has(historyName(token, version))) continue;
    if (await mendVersion(mending, version)) changed = true;
  }
  return changed;
}

/** All parts of a payload that are other than in the copy, which has been opened there. */
async function mendPayload(mending: Mending, name: string): Promise<boolean> {
  const { copy, token, unusable, signal } = mending;
  const [id = ''] = name.slice(blobsPrefix(token).length).split('/', 1);
  const prefix = blobPrefix(token, id);
  if ([...unusable].some((bad) => `${bad}/`.startsWith(prefix))) return false;
  let changed = false;
  for await (const parts of pagesUnder(copy.backend, prefix, signal)) {
    for (const part of parts) {
      const found = await bytesAt(copy.backend, part, signal);
      if (typeof found === 'object' && (await put(mending, part, found.body))) changed = true;
    }
  }
  return changed;
}

async function mend(mending: Mending, { kind, name }: Finding): Promise<boolean> {
  const { token } = mending;
  // What may be somebody's write that landed late is for people to decide about.
  if (kind === 'unlisted') return false;
  if (kind === 'history') return mendHistory(mending);
  if (kind === 'payload') return mendPayload(mending, name);
  if (name === objectName(token)) return mendRecord(mending);
  const version = name.startsWith(AREAS.history) ? historyVersion(historyPrefix(token), name) : undefined;
  return kind === 'damaged' && version !== undefined ? mendVersion(mending, version) : false;
}

/**
 * Puts back an object of which the store has no record, and nothing else that shows it, from a copy that has it.
 *
 * @returns what is wrong with the object; a finding at its own name if it could not be put back; `undefined` if it is not lost: it was stored
 *   meanwhile, or the checkpoint knows that it was deleted
 * @throws SecureStoreError as {@link repairObject} does
 */
export async function restoreLost(
  engine: Engine,
  source: StorageBackend,
  subject: { readonly token: string; readonly expected: Expectation },
  options: Pick<LookOptions, 'onBytes' | 'signal'>,
): Promise<readonly Finding[] | undefined> {
  const { token, expected } = subject;
  const { signal } = options;
  const copy = withBackend(engine, source);
  const candidate = await inspectRecord(copy, token, objectName(token), signal);
  if (compare(expected.entry, candidate, expected.floor) === 'resurrected') return undefined;
  if (await mendRecord({ engine, copy, ...subject, unusable: new Set(), signal }))
    return repairObject(engine, source, subject, options);
  const observed = await inspectRecord(engine, token, objectName(token), signal);
  return observed.state === 'absent' ? [lostObject(engine, token)] : undefined;
}

/** The finding of an object that a copy has, and of which the store has no record. */
export function lostObject(engine: Engine, token: string): Finding {
  const key = keyOfToken(engine, token);
  const message = 'the object is missing, though it was not deleted: the backup has it';
  return { ...(key !== undefined && { key }), kind: 'hidden', name: objectName(token), message };
}

/** Why a copy did not repair the record of an object: it lacks the object, has it damaged too, or has only an older version. */
export type NotRepaired = 'absent' | 'damaged' | 'older';

/**
 * Why a copy did not repair a finding; `undefined` if its record in the copy does not tell.
 *
 * @throws SecureStoreError what the backends throw
 */
export async function whyNotRepaired(
  engine: Engine,
  source: StorageBackend,
  token: string,
  { kind, name }: Finding,
  signal: AbortSignal | undefined,
): Promise<NotRepaired | undefined> {
  if (kind === 'unlisted' || name !== objectName(token)) return undefined;
  const found = await inspectRecord(withBackend(engine, source), token, name, signal);
  if (found.state === 'destroyed') return undefined;
  return isSound(found) ? 'older' : found.state;
}

/**
 * Puts back what is wrong with an object, byte for byte, from a copy of the store: so its versions stay what they were. Only
 * what the copy opens as genuine is taken, and only what contradicts neither the checkpoint nor anything newer in the store.
 *
 * @param source the copy, as a backend
 * @returns what is still wrong with the object
 * @throws SecureStoreError what the backends throw
 */
export async function repairObject(
  engine: Engine,
  source: StorageBackend,
  { token, expected }: { readonly token: string; readonly expected: Expectation },
  { onBytes, signal }: Pick<LookOptions, 'onBytes' | 'signal'>,
): Promise<readonly Finding[]> {
  const copy = withBackend(engine, source);
  const unusable = new Set(
    (await look(copy, token, NOTHING, { onBytes: () => undefined, signal })).findings.map(({ name }) => name),
  );
  const mending: Mending = { engine, copy, token, expected, unusable, signal };
  for (let round = 0; ; round++) {
    // What is read to see what was mended is read from the store.
    const counted = round === 0 ? () => undefined : onBytes;
    const { findings } = await look(engine, token, expected, { onBytes: counted, signal });
    if (round === ROUNDS || findings.length === 0) return findings;
    let changed = false;
    for (const finding of findings) if (await mend(mending, finding)) changed = true;
    if (!changed) return findings;
  }
}
