import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BackupKeys } from '../../src/index.ts';
import { decodeBackupKeys, encodeBackupKeys, MAX_BACKUP_KEYS_BYTES, MAX_HEAD_BYTES } from '../../src/index.ts';
import { backupKeys } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const CHECKSUM = 32;
const HEAD_LENGTH = 4 + 1 + 16;

/** With the checksum that belongs to it: what damages by accident never has. */
const checked = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, createHash('sha256').update(bytes).digest()]);
const unchecked = (keys: BackupKeys): Buffer => encodeBackupKeys(keys).subarray(0, -CHECKSUM);

const object = (name: string, body = 'x'): BackupKeys['objects'][number] => ({ name, body: Buffer.from(body) });
const keysOf = (...objects: BackupKeys['objects']): BackupKeys => ({
  destination: Buffer.alloc(16, 1),
  head: Buffer.from('head'),
  objects,
});

const refused = (code: string): unknown => expect.objectContaining({ code });
const itRefuses = (bytes: Uint8Array, code = 'INTEGRITY'): void => {
  expect(() => decodeBackupKeys(bytes)).toThrow(refused(code));
};

describe('the keys of a backup', () => {
  itObeysTheCodecLaws({ values: backupKeys, encode: encodeBackupKeys, decode: decodeBackupKeys });
});

describe('the keys of a backup, with a checksum that was made to match', () => {
  itObeysTheCodecLaws({ values: backupKeys, encode: unchecked, decode: (bytes) => decodeBackupKeys(checked(bytes)) });

  it('[P-04] have a checksum of all that comes before it', () => {
    const bytes = encodeBackupKeys(keysOf(object('k/a')));
    expect(bytes).toEqual(checked(bytes.subarray(0, -CHECKSUM)));
    for (let at = 5; at < bytes.length; at++) {
      const other = Buffer.from(bytes);
      other.writeUInt8(other.readUInt8(at) ^ 1, at);
      itRefuses(other);
    }
  });

  it('[P-04] hold at most 16 objects, in the order of their names, each once, by names that can be', () => {
    const many = Array.from({ length: 17 }, (_, n) => object(`k/${String(n).padStart(2, '0')}`));
    expect(decodeBackupKeys(encodeBackupKeys(keysOf(...many.slice(1)))).objects).toHaveLength(16);
    for (const objects of [
      many,
      [object('k/b'), object('k/a')],
      [object('k/a'), object('k/a')],
      [object('')],
      [object('K')],
    ]) {
      itRefuses(encodeBackupKeys(keysOf(...objects)));
    }
  });

  it('[P-09] are refused where they are longer than anybody makes them, and are not made so', () => {
    const overhead = encodeBackupKeys(keysOf(object('k/a', ''))).length;
    const body = Buffer.alloc(MAX_BACKUP_KEYS_BYTES - overhead);
    const largest = encodeBackupKeys(keysOf({ name: 'k/a', body }));
    expect(decodeBackupKeys(largest).objects[0]?.body).toHaveLength(body.length);
    const longer = Buffer.concat([largest.subarray(0, -CHECKSUM), Buffer.alloc(1)]);
    longer.writeUInt32BE(body.length + 1, longer.length - body.length - 5);
    itRefuses(checked(longer));
    const more = { name: 'k/a', body: Buffer.alloc(body.length + 1) };
    expect(() => encodeBackupKeys(keysOf(more))).toThrow(refused('TOO_LARGE'));
    const head = Buffer.alloc(MAX_HEAD_BYTES + 1);
    itRefuses(encodeBackupKeys({ ...keysOf(), head }));
    expect(decodeBackupKeys(encodeBackupKeys({ ...keysOf(), head: head.subarray(1) })).head).toHaveLength(65_536);
  });

  it('[P-03] of another format version are FORMAT_VERSION', () => {
    const bytes = unchecked(keysOf());
    bytes.writeUInt8(2, 4);
    itRefuses(checked(bytes), 'FORMAT_VERSION');
    itRefuses(bytes, 'FORMAT_VERSION');
    bytes.writeUInt8(0, 0);
    itRefuses(checked(bytes));
  });

  it('are refused at once with lengths that they can not have', () => {
    const bytes = unchecked(keysOf(object('k/a')));
    const head = Buffer.from(bytes);
    head.writeUInt32BE(MAX_HEAD_BYTES, HEAD_LENGTH);
    itRefuses(checked(head));
    const last = Buffer.from(bytes);
    last.writeUInt32BE(0xffff_ffff, last.length - 5);
    itRefuses(checked(last));
  });
});
