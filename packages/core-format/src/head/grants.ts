import { ByteReader, ByteWriter } from '../bytes/bytes.ts';
import { PUBLIC_KEY_LENGTH } from './head.ts';
import type { KeyGroupKind, Keyring } from '../record/keyring.ts';
import { keyGroupCode, keyGroupKind, readKeyGroups, writeKeyGroups } from '../record/keyring.ts';
import { ID_LENGTH, KEY_LENGTH } from '../record/record.ts';

const GRANTS_MAGIC = 'SSGR';
const GRANTS_VERSION = 1;

export const MAX_MEMBERS = 1000;
/** The largest grants object in bytes: what a backend must at least take, less room for what layers add. */
export const MAX_GRANTS_BYTES: number = 8 * 1024 * 1024 - 1024;
export const MAX_MEMBER_NAME_BYTES = 64;

/** An anonymous box is that much longer than its plaintext. */
const BOX_OVERHEAD = 48;

/** The keys of a store that one member is granted, as that member finds them. */
export interface Grant {
  /** The member's X25519 public key. */
  readonly publicKey: Uint8Array;
  /** A {@link GrantBox}, sealed to that key. */
  readonly sealed: Uint8Array;
}

/** What the head's reference `grants` names. */
export interface Grants {
  /** In ascending order of the public keys. */
  readonly grants: readonly Grant[];
  /** The members, sealed as a system body under a key that they don't have. */
  readonly directory: Uint8Array;
}

/** Some of a store's keys. Versions that are to be destroyed are without their keys. */
export type GrantedKeys = Pick<Keyring, 'nameKey' | 'groups'>;

/** What the box of a grant holds; all but the keys binds it to one member of one store. */
export interface GrantBox extends GrantedKeys {
  readonly lineage: Uint8Array;
  readonly instance: Uint8Array;
  /** The generation of the head for which the grants were written. */
  readonly generation: number;
  readonly publicKey: Uint8Array;
}

/** Kinds of key groups, beside categories, that can be granted. */
export type GrantableKind = Extract<KeyGroupKind, 'audit' | 'backup'>;

/** Somebody who was granted a part of the keys. */
export interface Member {
  readonly publicKey: Uint8Array;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly added: number;
  /** The ids of the categories, in ascending order. */
  readonly categories: readonly Uint8Array[];
  /** In the order of their codes. With these, the journal is granted to every member. */
  readonly groups: readonly GrantableKind[];
}

function isAscending(ids: readonly Uint8Array[]): boolean {
  return ids.every((id, index) => index === 0 || Buffer.compare(ids[index - 1] ?? id, id) < 0);
}

export function encodeGrants({ grants, directory }: Grants): Buffer {
  const writer = new ByteWriter(1024).bytes(Buffer.from(GRANTS_MAGIC, 'latin1')).u8(GRANTS_VERSION).u16(grants.length);
  for (const { publicKey, sealed } of grants) {
    writer.fixed(publicKey, PUBLIC_KEY_LENGTH).u32(sealed.length).bytes(sealed);
  }
  return writer.u32(directory.length).bytes(directory).finish();
}

/**
 * Parses a grants object, as views of its bytes. Nothing of it is authentic unless the signed head names its digest.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function decodeGrants(bytes: Uint8Array): Grants {
  const reader = new ByteReader('the grants', bytes);
  if (bytes.length > MAX_GRANTS_BYTES) reader.fail('they are too long');
  reader.magic(GRANTS_MAGIC, GRANTS_VERSION);
  const count = reader.u16();
  if (count === 0 || count > MAX_MEMBERS) reader.fail('they are of no member, or of too many');
  const grants = Array.from({ length: count }, () => {
    const publicKey = reader.view(PUBLIC_KEY_LENGTH);
    const length = reader.u32();
    if (length <= BOX_OVERHEAD) reader.fail('a box is empty');
    return { publicKey, sealed: reader.view(length) };
  });
  const directory = reader.view(reader.u32());
  reader.end();
  if (!isAscending(grants.map(({ publicKey }) => publicKey))) reader.fail('they are out of order');
  return { grants, directory };
}

/** The caller wipes the result. */
export function encodeGrantBox(box: GrantBox): Buffer {
  const writer = new ByteWriter(1024)
    .fixed(box.lineage, ID_LENGTH)
    .fixed(box.instance, ID_LENGTH)
    .u53(box.generation)
    .fixed(box.publicKey, PUBLIC_KEY_LENGTH)
    .fixed(box.nameKey, KEY_LENGTH);
  writeKeyGroups(writer, box.groups);
  return writer.finish();
}

/**
 * Parses an opened box. Keys are copies: the caller wipes `bytes`, and the keys when it is done with them.
 *
 * @throws SecureStoreError `INTEGRITY`
 */
export function decodeGrantBox(bytes: Uint8Array): GrantBox {
  const reader = new ByteReader('the grant', bytes);
  const box = {
    lineage: reader.copy(ID_LENGTH),
    instance: reader.copy(ID_LENGTH),
    generation: reader.u53(),
    publicKey: reader.copy(PUBLIC_KEY_LENGTH),
    nameKey: reader.secret(KEY_LENGTH),
    groups: readKeyGroups(reader, 'grant'),
  };
  reader.end();
  return box;
}

export function encodeMembers(members: readonly Member[]): Buffer {
  const writer = new ByteWriter(1024).u16(members.length);
  for (const { publicKey, name, added, categories, groups } of members) {
    const bytes = Buffer.from(name, 'utf8');
    writer.fixed(publicKey, PUBLIC_KEY_LENGTH).u8(bytes.length).bytes(bytes).u53(added).u16(categories.length);
    for (const id of categories) writer.fixed(id, ID_LENGTH);
    writer.u8(groups.length);
    for (const kind of groups) writer.u8(keyGroupCode(kind));
  }
  return writer.finish();
}

function readGroups(reader: ByteReader): GrantableKind[] {
  const groups = Array.from({ length: reader.u8() }, () => {
    const kind = keyGroupKind(reader.u8());
    if (kind !== 'audit' && kind !== 'backup') reader.fail('a member has keys of a kind that nobody is granted');
    return kind;
  });
  if (groups.some((kind, index) => index > 0 && keyGroupCode(groups[index - 1] ?? kind) >= keyGroupCode(kind))) {
    reader.fail('the key groups of a member are out of order');
  }
  return groups;
}

function readMember(reader: ByteReader): Member {
  const publicKey = reader.copy(PUBLIC_KEY_LENGTH);
  const length = reader.u8();
  if (length === 0 || length > MAX_MEMBER_NAME_BYTES) reader.fail('the name of a member has the wrong length');
  const name = reader.text(length);
  const added = reader.time();
  const categories = Array.from({ length: reader.u16() }, () => reader.copy(ID_LENGTH));
  if (!isAscending(categories)) reader.fail('the categories of a member are out of order');
  const groups = readGroups(reader);
  if (categories.length + groups.length === 0) reader.fail('a member has been granted nothing');
  return { publicKey, name, added, categories, groups };
}

/** @throws SecureStoreError `INTEGRITY` */
export function decodeMembers(bytes: Uint8Array): Member[] {
  const reader = new ByteReader('the directory of members', bytes);
  const count = reader.u16();
  if (count === 0 || count > MAX_MEMBERS) reader.fail('it has no members, or too many');
  const members = Array.from({ length: count }, () => readMember(reader));
  reader.end();
  if (!isAscending(members.map(({ publicKey }) => publicKey))) reader.fail('its members are out of order');
  if (new Set(members.map(({ name }) => name)).size !== count) reader.fail('two of its members have one name');
  return members;
}
