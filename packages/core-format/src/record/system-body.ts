import { ByteReader, ByteWriter } from '../bytes/bytes.ts';
import { COMMITMENT_LENGTH, FORMAT, ID_LENGTH, KEY_ID_LENGTH, TAG_LENGTH } from './record.ts';

const SYSTEM_MAGIC = 'SSSY';
const SALT_LENGTH = 32;

/**
 * What a sealed system object is for. Keyring, category map, policy, the directory of members and the store URL that a store
 * moves to have purpose keys of their own, the audit log and backups have keys with versions; the others are sealed under a version of the journal key.
 */
export const PURPOSES = {
  keyring: 1,
  categoryMap: 2,
  hint: 3,
  writer: 4,
  consumer: 5,
  job: 6,
  checkpointPage: 7,
  checkpoint: 8,
  marker: 9,
  policy: 10,
  members: 11,
  audit: 12,
  backupPoint: 13,
  backupPage: 14,
  backupWork: 15,
  destinations: 16,
  migration: 17,
} as const;
export type Purpose = keyof typeof PURPOSES;

/** Purposes of which the head, and nothing else, names the object. */
export type PinnedPurpose = 'keyring' | 'categoryMap' | 'policy' | 'members' | 'destinations' | 'migration';
/** Purposes whose objects lie at a destination of backups, sealed under a version of the backup key. */
export type BackupPurpose = 'backupPoint' | 'backupPage' | 'backupWork';
/** Purposes whose objects are sealed under a version of the journal key. */
export type JournalPurpose = Exclude<Purpose, PinnedPurpose | BackupPurpose | 'audit'>;

const HEADER_LENGTH: number = 8 + SALT_LENGTH + KEY_ID_LENGTH;

/** The length of what precedes the sealed bytes, commitment included. */
export const SYSTEM_PREFIX_LENGTH: number = HEADER_LENGTH + COMMITMENT_LENGTH;

/** The key id of purposes whose key has no versions. */
export const NO_KEY_ID: Uint8Array = new Uint8Array(KEY_ID_LENGTH);

/** A body of the store's own: keyring, category map and whatever else is no record, blob or head. */
export interface SystemBody {
  readonly suite: number;
  readonly purpose: Purpose;
  /** The header as bytes, bound by the key derivation. */
  readonly headerBytes: Buffer;
  readonly salt: Buffer;
  /** The version of the journal, audit or backup key; {@link NO_KEY_ID} for purposes that have keys of their own. */
  readonly keyId: Buffer;
  readonly commitment: Buffer;
  readonly sealed: Buffer;
}

export function encodeSystemHeader(suite: number, purpose: Purpose, salt: Uint8Array, keyId: Uint8Array): Buffer {
  return new ByteWriter(HEADER_LENGTH)
    .bytes(Buffer.from(SYSTEM_MAGIC, 'latin1'))
    .u8(FORMAT)
    .u8(suite)
    .u8(PURPOSES[purpose])
    .u8(0)
    .fixed(salt, SALT_LENGTH)
    .fixed(keyId, KEY_ID_LENGTH)
    .finish();
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeSystemBody(what: string, purpose: Purpose, bytes: Uint8Array): SystemBody {
  const reader = new ByteReader(what, bytes);
  reader.magic(SYSTEM_MAGIC, FORMAT);
  const suite = reader.u8();
  if (reader.u8() !== PURPOSES[purpose]) reader.fail('it is an object of another purpose');
  reader.zero();
  const salt = reader.view(SALT_LENGTH);
  const keyId = reader.view(KEY_ID_LENGTH);
  const headerBytes = new ByteReader(what, bytes).view(reader.position);
  const commitment = reader.view(COMMITMENT_LENGTH);
  if (reader.remaining < TAG_LENGTH) reader.fail('it ends too early');
  return { suite, purpose, headerBytes, salt, keyId, commitment, sealed: reader.view(reader.remaining) };
}

/**
 * The key version that a body, or the beginning of one, is sealed under; nothing is authenticated.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function systemBodyKeyId(bytes: Uint8Array): Buffer {
  const reader = new ByteReader('the object', bytes);
  reader.magic(SYSTEM_MAGIC, FORMAT);
  return reader.skip(3 + SALT_LENGTH).copy(KEY_ID_LENGTH);
}

/** What binds a system body to its place: instance, generation and its own backend name. */
export function systemContext(instance: Uint8Array, generation: number, name: string): Buffer {
  const bytes = Buffer.from(name, 'latin1');
  return new ByteWriter(ID_LENGTH + 8 + 2 + bytes.length)
    .fixed(instance, ID_LENGTH)
    .u53(generation)
    .u16(bytes.length)
    .bytes(bytes)
    .finish();
}
