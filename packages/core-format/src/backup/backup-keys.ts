import { sha256, withChecksum } from './backup-pack.ts';
import { asBuffer, ByteReader, ByteWriter } from '../bytes/bytes.ts';
import { SecureStoreError } from '../errors/errors.ts';
import { MAX_HEAD_BYTES } from '../head/head.ts';
import { ID_LENGTH } from '../record/record.ts';

const MAGIC = 'SSBK';
const VERSION = 1;

/** The largest `keys` object in bytes. */
export const MAX_BACKUP_KEYS_BYTES: number = 32 * 1024 * 1024;
const MAX_OBJECTS = 16;
const CHECKSUM_LENGTH = 32;

/** What a destination holds of the keys of a store. Nothing of it is trusted before the signature of the head verifies. */
export interface BackupKeys {
  /** Made with the destination; binds what is sealed for it. */
  readonly destination: Uint8Array;
  /** The body of the store's head. */
  readonly head: Uint8Array;
  /** The bodies of the objects that the head names, in ascending order of their names. */
  readonly objects: readonly { readonly name: string; readonly body: Uint8Array }[];
}

/**
 * The object `keys` of a destination.
 *
 * @throws SecureStoreError `TOO_LARGE` for more than a reader takes
 */
export function encodeBackupKeys({ destination, head, objects }: BackupKeys): Buffer {
  const writer = new ByteWriter(4096)
    .bytes(Buffer.from(MAGIC, 'latin1'))
    .u8(VERSION)
    .fixed(destination, ID_LENGTH)
    .u32(head.length)
    .bytes(head)
    .u8(objects.length);
  for (const { name, body } of objects) {
    writer.u8(name.length).bytes(Buffer.from(name, 'latin1')).u32(body.length).bytes(body);
  }
  const bytes = withChecksum(writer.finish());
  if (bytes.length <= MAX_BACKUP_KEYS_BYTES) return bytes;
  throw new SecureStoreError(
    'TOO_LARGE',
    `the keys of the backup must have at most ${MAX_BACKUP_KEYS_BYTES} bytes, got ${bytes.length}`,
  );
}

/**
 * Parses the object `keys` of a destination, as views of its bytes. What damages it by accident shows here; on purpose, when it is
 * unlocked.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function decodeBackupKeys(bytes: Uint8Array): BackupKeys {
  const reader = new ByteReader('the object "keys" of the backup', bytes);
  if (bytes.length > MAX_BACKUP_KEYS_BYTES) reader.fail('it is too long');
  reader.magic(MAGIC, VERSION);
  const destination = reader.copy(ID_LENGTH);
  const length = reader.u32();
  if (length > MAX_HEAD_BYTES) reader.fail('its head is too long');
  const head = reader.view(length);
  const count = reader.u8();
  if (count > MAX_OBJECTS) reader.fail('it holds too many objects');
  const objects = Array.from({ length: count }, () => {
    const name = reader.view(reader.u8()).toString('latin1');
    if (!/^[a-z0-9/.@~_-]+$/.test(name)) reader.fail('it holds an object of an impossible name');
    return { name, body: reader.view(reader.u32()) };
  });
  const checksum = sha256(asBuffer(bytes).subarray(0, reader.position));
  if (!checksum.equals(reader.view(CHECKSUM_LENGTH))) reader.fail('its checksum does not match');
  reader.end();
  if (objects.some(({ name }, at) => at > 0 && (objects[at - 1]?.name ?? '') >= name)) {
    reader.fail('its objects are out of order');
  }
  return { destination, head, objects };
}
