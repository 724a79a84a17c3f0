import type { ParsedVersion, RecordHeader, SplitRecord, StoreKey, TombstoneBody } from '@securestore/core-format';
import {
  asBuffer,
  decodeBase32,
  decodeTombstoneBody,
  encodeBase32,
  formatVersion,
  isZero,
  noId,
  parseStoreKey,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import type { LoadedKey, LocatedName, NameCipher } from '@securestore/crypto';
import { openRecord } from '@securestore/crypto';
import type { OpenBody } from './body.ts';
import { openBody } from './body.ts';
import { decodeMetadata } from '../api/metadata.ts';
import type { StoredRecord } from '../engine/record-cache.ts';
import type { StoreState } from '../head/store-state.ts';
import type { ObjectInfo } from '../api/types.ts';
import { recordKey } from './record-keys.ts';

/** An object that a record name belongs to. */
export interface Target extends LocatedName {
  readonly key: StoreKey;
}

interface Opened<Kind, Body> {
  readonly kind: Kind;
  readonly header: RecordHeader;
  readonly key: LoadedKey;
  readonly body: Body;
}

/** The opened record of an object that is no tombstone. */
export type LiveRecord = Opened<'object', OpenBody>;

/** A record that was opened and found to be what its name, the head and its keys say. */
export type OpenedRecord = LiveRecord | Opened<'tombstone', TombstoneBody>;

/** A record and its opened contents. */
export interface Standing {
  readonly stored: StoredRecord;
  readonly opened: OpenedRecord;
}

/**
 * A record that readers refuse; none of its contents is trusted. Either it is sealed under a retired key version (a late write that was
 * never acknowledged, or a forgery), and any mutation replaces it; or it is damaged, and only a call with `ifDamaged` does.
 */
export interface Refused {
  readonly stored: StoredRecord;
  readonly opened?: undefined;
  /** Why readers refuse it. */
  readonly reason: SecureStoreError;
  /** What the version that replaces it names as the commit before. */
  readonly previousCommitId: Uint8Array;
  /** The greatest version number that may have been acknowledged, as far as is known. */
  readonly version: number;
  /** The version with which the history of its replacement begins; 0 if that isn't known. */
  readonly origin: number;
}

/** The current record of an object, if there is one. */
export type Current = Standing | Refused | undefined;

/** The part of a record that is refused or missing which its successor follows. */
export type Predecessor = Omit<Refused, 'stored' | 'reason'>;

const RETIRED =
  'it is encrypted with a retired encryption key. It was stored late and never acknowledged, or an attacker put it there.';

/** @throws SecureStoreError `INTEGRITY` */
export function damagedRecord(reason: string): never {
  throw new SecureStoreError('INTEGRITY', `the record is damaged: ${reason}`);
}

function keyOf(name: string): StoreKey {
  try {
    return parseStoreKey(name);
  } catch {
    return damagedRecord('it holds an invalid key');
  }
}

/** @param what has the suite, for the message */
function checkSuite({ head, events }: StoreState, suite: number, what: string): void {
  if (head.suites.includes(suite)) return;
  events?.refusedSuite(suite);
  damagedRecord(`the store does not accept ${what}`);
}

function checkName({ nameId }: RecordHeader, expected: Buffer): void {
  if (!expected.equals(nameId)) damagedRecord('its header names another object');
}

/** Checks that need no key. */
function checkHeader(state: StoreState, { header }: SplitRecord): void {
  if (Buffer.compare(header.lineage, state.head.lineage) !== 0) damagedRecord('its header names another store');
  if (header.kind === 'system') damagedRecord("it is one of the store's own objects");
  checkSuite(state, header.suite, 'its suite');
}

function checkCategory(state: StoreState, header: RecordHeader, key: StoreKey): void {
  if (!state.categories.idOf(key).equals(header.categoryId)) damagedRecord('its category is not that of its key');
}

/** A version without a predecessor begins its history; any other history began before. */
function checkOrigin({ version, previousCommitId }: RecordHeader, origin: number): void {
  const fits = isZero(previousCommitId) ? origin === version : origin < version;
  if (!fits) damagedRecord('the version with which its history begins contradicts its header');
}

function openChecked(state: StoreState, record: SplitRecord): OpenedRecord {
  const { header, envelope } = record;
  const key = recordKey(state, envelope.keyId, header.categoryId);
  if (key.state === 'disabled' && state.opensRetired !== true) {
    throw new SecureStoreError('INTEGRITY', `the record is damaged: ${RETIRED}`, { advice: [{ id: 'store-again' }] });
  }
  const opened = openRecord(record, key);
  if (header.kind === 'tombstone') {
    const body = decodeTombstoneBody(opened);
    checkOrigin(header, body.origin);
    return { kind: 'tombstone', header, key, body };
  }
  const body = openBody(opened);
  checkOrigin(header, body.origin);
  if ((body.payload.kind === 'blob') !== (header.blob !== undefined))
    damagedRecord('its header and its body disagree about its payload');
  if (body.payload.kind === 'blob') checkSuite(state, body.payload.suite, 'the suite of its blob');
  return { kind: 'object', header, key, body };
}

/**
 * Opens the record that is stored at the name of `target`.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, `KEY_DESTROYED`
 */
export function openAt(state: StoreState, target: Target, bytes: Uint8Array): OpenedRecord {
  const record = splitRecord(bytes);
  checkName(record.header, target.nameId);
  checkHeader(state, record);
  checkCategory(state, record.header, target.key);
  const opened = openChecked(state, record);
  if (opened.kind === 'object' && opened.body.name !== target.key) damagedRecord('it holds another key');
  return opened;
}

/**
 * Opens a record of which only the token is known, tombstones too.
 *
 * @throws SecureStoreError as {@link openAt}
 */
export function openLoose(state: StoreState, bytes: Uint8Array, names: NameCipher, token: string): OpenedRecord {
  const record = splitRecord(bytes);
  checkHeader(state, record);
  const opened = openChecked(state, record);
  if (opened.kind === 'tombstone') return opened;
  const key = keyOf(opened.body.name);
  const located = names.locate(key);
  if (located.token !== token) damagedRecord('it belongs to another key');
  checkName(opened.header, located.nameId);
  return opened;
}

/**
 * Opens the record that is stored at a token, as retrieving it would. If only the record tells its name, a tombstone vouches for the name
 * id alone.
 *
 * @throws SecureStoreError as {@link openAt}
 */
export function openByToken(state: StoreState, bytes: Uint8Array, names: NameCipher, token: string): OpenedRecord {
  const named = names.open(token);
  if (!('hidden' in named)) {
    const key = keyOf(named.name);
    return openAt(state, { key, ...names.locate(key) }, bytes);
  }
  const nameId = decodeBase32(token.slice(token.lastIndexOf('/') + 2));
  if (nameId === undefined) damagedRecord('it is stored under an invalid name');
  // Before any key is used: a member sees nothing else of what was not granted.
  checkName(splitRecord(bytes).header, nameId);
  const opened = openLoose(state, bytes, names, token);
  if (opened.kind === 'object') checkCategory(state, opened.header, keyOf(opened.body.name));
  return opened;
}

/** Whether a record names a key version that is out of use, while its category has others. @throws SecureStoreError `INTEGRITY` */
export function isRetired(state: StoreState, bytes: Uint8Array): boolean {
  const { header, envelope } = splitRecord(bytes);
  const label = asBuffer(envelope.keyId).toString('hex');
  return isRetiredKey(state, { label, groupId: asBuffer(header.categoryId) });
}

/** The same of a key version. */
export function isRetiredKey({ keys }: StoreState, { label, groupId }: Pick<LoadedKey, 'label' | 'groupId'>): boolean {
  if (keys.isDestroyed(groupId)) return false;
  const version = keys.versions.find((other) => other.label === label && other.groupId.equals(groupId));
  return version?.state === 'disabled' || version?.state === 'destroyed';
}

/** Whether an opened record is an object that a caller may see at `now`. */
export function isLive(opened: OpenedRecord, now: number): opened is LiveRecord {
  return opened.kind === 'object' && (opened.body.expires === 0 || opened.body.expires > now);
}

/** The object that a caller may see at `now`, if one is there. */
export function liveIn(current: Current, now: number): LiveRecord | undefined {
  return current?.opened !== undefined && isLive(current.opened, now) ? current.opened : undefined;
}

/** The predecessor that the replacement of `current` names; zeros if there is none. */
export function commitBefore(current: Standing | Predecessor | undefined): Uint8Array {
  if (current === undefined) return noId();
  return current.opened === undefined ? current.previousCommitId : current.opened.header.commitId;
}

/**
 * The version with which the history of an object begins. An older copy does not belong to it: it landed after a purge, or an attacker
 * put it back.
 */
export function originOf(current: OpenedRecord | undefined): number {
  return current?.body.origin ?? 0;
}

/** The origin of the version with `header` that replaces `current`: itself if it has no predecessor. */
export function originAfter(
  current: Standing | Predecessor | undefined,
  { version, previousCommitId }: RecordHeader,
): number {
  if (isZero(previousCommitId)) return version;
  return current?.opened === undefined ? (current?.origin ?? 0) : originOf(current.opened);
}

/** The id of the blob that a record names, in base32. */
export function blobIn(header: RecordHeader | undefined): string | undefined {
  return header?.blob === undefined ? undefined : encodeBase32(header.blob.blobId);
}

/** Whether the record is the tombstone of a purge, which has no version before it. */
export function isPurged({ kind, previousCommitId }: RecordHeader): boolean {
  return kind === 'tombstone' && Buffer.compare(previousCommitId, noId()) === 0;
}

export function versionOf({ version, commitId }: Pick<RecordHeader, 'version' | 'commitId'>): string {
  return formatVersion(version, commitId);
}

/** Whether a record is the version that a caller named: by its number and its commit. */
export function isVersion(header: RecordHeader, { number, commit }: ParsedVersion): boolean {
  return header.version === number && versionOf(header).endsWith(`-${commit}`);
}

/** What callers see of a version. @param keyVersion the id of the key version that seals it, as text */
export function infoFrom<M extends object>(
  state: StoreState,
  header: RecordHeader,
  body: Omit<OpenBody, 'origin'>,
  keyVersion: string,
): ObjectInfo<M> {
  const info = {
    key: body.name,
    version: versionOf(header),
    size: body.length,
    category: state.categories.nameOf(header.categoryId),
    created: new Date(body.created),
    modified: new Date(body.modified),
    // The shape of metadata is the caller's claim: it isn't checked.
    metadata: decodeMetadata(body.metadata) as M,
    keyVersion,
  };
  return body.expires === 0 ? info : { ...info, expires: new Date(body.expires) };
}

export function infoOf<M extends object>(state: StoreState, { header, body, key }: LiveRecord): ObjectInfo<M> {
  return infoFrom(state, header, body, key.label);
}
