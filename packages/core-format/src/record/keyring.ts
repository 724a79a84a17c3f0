import { asBuffer, ByteReader, ByteWriter, isZero } from '../bytes/bytes.ts';
import type { Field } from '../bytes/fields.ts';
import { readFieldArea, writeFieldArea } from '../bytes/fields.ts';
import { ID_LENGTH, KEY_ID_LENGTH, KEY_LENGTH } from './record.ts';

const KNOWN_FIELDS: ReadonlySet<number> = new Set();

const STATES = ['primary', 'enabled', 'disabled', 'destroyed'] as const;
/** What a key version may still be used for. */
export type KeyState = (typeof STATES)[number];

const GROUP_KINDS = ['category', 'journal', 'audit', 'backup'] as const;
/** What the keys of a group seal. */
export type KeyGroupKind = (typeof GROUP_KINDS)[number];

export interface KeyVersion {
  readonly id: Uint8Array;
  readonly suite: number;
  readonly state: KeyState;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** When it is to be destroyed, in milliseconds since 1970; 0 where it isn't. Until then it opens nothing. */
  readonly destroyAt: number;
  /** All zero once destroyed. */
  readonly key: Uint8Array;
}

/** The keys of one category, or of one group of system objects. */
export interface KeyGroup {
  readonly id: Uint8Array;
  readonly kind: KeyGroupKind;
  /** The key of content digests. */
  readonly digestKey: Uint8Array;
  /** Oldest first; exactly one is primary, unless the group has been destroyed. */
  readonly versions: readonly KeyVersion[];
}

/** All keys of a store below its root key. */
export interface Keyring {
  readonly rootNumber: number;
  /** The seed of the store identity's Ed25519 private key. */
  readonly identitySeed: Uint8Array;
  /** From which the keys of names and of the category map are derived. */
  readonly nameKey: Uint8Array;
  /** In ascending order of their ids. */
  readonly groups: readonly KeyGroup[];
  /** Fields of later releases that may be ignored. */
  readonly extra?: readonly Field[];
}

/** The kind of a group as a byte. */
export function keyGroupCode(kind: KeyGroupKind): number {
  return GROUP_KINDS.indexOf(kind) + 1;
}

/** The kind that a byte says; `undefined` for one that is none. */
export function keyGroupKind(code: number): KeyGroupKind | undefined {
  return GROUP_KINDS[code - 1];
}

export function writeKeyGroups(writer: ByteWriter, groups: readonly KeyGroup[]): void {
  writer.u16(groups.length);
  for (const group of groups) {
    writer.fixed(group.id, ID_LENGTH).u8(keyGroupCode(group.kind)).fixed(group.digestKey, KEY_LENGTH);
    writer.u16(group.versions.length);
    for (const version of group.versions) {
      writer
        .fixed(version.id, KEY_ID_LENGTH)
        .u8(version.suite)
        .u8(STATES.indexOf(version.state) + 1);
      writer.u53(version.created).u53(version.destroyAt).fixed(version.key, KEY_LENGTH);
    }
  }
}

/** The caller wipes the result. */
export function encodeKeyring(keyring: Keyring): Buffer {
  const writer = new ByteWriter(1024)
    .u32(keyring.rootNumber)
    .fixed(keyring.identitySeed, KEY_LENGTH)
    .fixed(keyring.nameKey, KEY_LENGTH);
  writeKeyGroups(writer, keyring.groups);
  writeFieldArea(writer, keyring.extra ?? []);
  return writer.finish();
}

/** Whether a group is in a keyring, or was granted from one: then versions that are to be destroyed come without their keys. */
export type KeyGroupPlace = 'keyring' | 'grant';

function readVersion(reader: ByteReader, place: KeyGroupPlace): KeyVersion {
  const id = reader.copy(KEY_ID_LENGTH);
  const suite = reader.u8();
  const state = STATES[reader.u8() - 1];
  if (state === undefined) reader.fail('the state of a key version is unknown');
  const version = {
    id,
    suite,
    state,
    created: reader.time(),
    destroyAt: reader.time(),
    key: reader.secret(KEY_LENGTH),
  };
  if (state === 'destroyed' && version.destroyAt !== 0) reader.fail('a destroyed key version is still to be destroyed');
  const withoutKey = state === 'destroyed' || (place === 'grant' && version.destroyAt > 0);
  if (isZero(version.key) !== withoutKey) reader.fail('a key version and its state contradict each other');
  return version;
}

function readGroup(reader: ByteReader, place: KeyGroupPlace): KeyGroup {
  const id = reader.copy(ID_LENGTH);
  const kind = keyGroupKind(reader.u8());
  if (kind === undefined) reader.fail('the kind of a key group is unknown');
  const digestKey = reader.secret(KEY_LENGTH);
  const versions = Array.from({ length: reader.u16() }, () => readVersion(reader, place));
  const primaries = versions.filter((version) => version.state === 'primary').length;
  const destroyed = versions.length > 0 && versions.every((version) => version.state === 'destroyed');
  if (primaries !== (destroyed ? 0 : 1)) reader.fail('a key group has no primary key, or several');
  return { id, kind, digestKey, versions };
}

/** Groups with copies of their keys. */
export function readKeyGroups(reader: ByteReader, place: KeyGroupPlace): KeyGroup[] {
  const groups = Array.from({ length: reader.u16() }, () => readGroup(reader, place));
  if (groups.some((group, index) => index > 0 && Buffer.compare(groups[index - 1]?.id ?? group.id, group.id) >= 0)) {
    reader.fail('its key groups are out of order');
  }
  const ids = groups.flatMap(({ versions }) => versions.map(({ id }) => asBuffer(id).toString('latin1')));
  if (new Set(ids).size !== ids.length) reader.fail('two of its key versions have one id');
  return groups;
}

/**
 * Parses an opened keyring. Keys are copies: the caller wipes `bytes`, and the keys when it is done with them.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function decodeKeyring(bytes: Uint8Array): Keyring {
  const reader = new ByteReader('the keyring', bytes);
  const keyring = {
    rootNumber: reader.u32(),
    identitySeed: reader.secret(KEY_LENGTH),
    nameKey: reader.secret(KEY_LENGTH),
    groups: readKeyGroups(reader, 'keyring'),
  };
  const extra = readFieldArea(reader, KNOWN_FIELDS);
  reader.end();
  return extra.length === 0 ? keyring : { ...keyring, extra };
}
