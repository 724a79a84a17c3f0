import { splitRecord } from '@securestore/core-format';
import { describe, expect, it, vi } from 'vitest';
import type { RecordKey } from '../../src/index.ts';
import { openRecord, sealRecord } from '../../src/index.ts';
import { PayloadKeys } from '../../src/seal/payload-keys.ts';
import { bytesFrom, recordHeader, recordKey, repeatableRandom } from '../support/fixtures.ts';

const body = Buffer.from('the body of a record');

function remembering(seed: string, payloadKeys: PayloadKeys = new PayloadKeys()): RecordKey {
  return { ...recordKey(seed), payloadKeys };
}

const sealed = (key: RecordKey, seed: string): Buffer =>
  sealRecord(key, recordHeader(seed), body, repeatableRandom(seed));

describe('a record that is opened again', () => {
  it('does not need its key version, and opens to the same bytes', () => {
    const key = remembering('k');
    const record = splitRecord(sealed(key, 'r'));
    const unwrapping = vi.spyOn(key.secret, 'bytes');
    expect(openRecord(record, key)).toEqual(body);
    expect(unwrapping).toHaveBeenCalledTimes(1);
    expect(openRecord(record, key)).toEqual(body);
    expect(unwrapping).toHaveBeenCalledTimes(1);
  });

  it('is refused if any byte of it was changed', () => {
    const key = remembering('k');
    const record = sealed(key, 'r');
    openRecord(splitRecord(record), key);
    for (let at = 0; at < record.length; at++) {
      const changed = Buffer.from(record);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => openRecord(splitRecord(changed), key), `byte ${at}`).toThrow(/damaged|version|format/i);
    }
    expect(openRecord(splitRecord(record), key)).toEqual(body);
  });

  it('is refused under another key version of the same keyring, and another suite', () => {
    const payloadKeys = new PayloadKeys();
    const key = remembering('k', payloadKeys);
    const record = splitRecord(sealed(key, 'r'));
    openRecord(record, key);
    expect(() => openRecord(record, remembering('other', payloadKeys))).toThrow('another key version');
    expect(() => openRecord(record, { ...key, suite: 2 })).toThrow('its suite is not that of its key version');
  });
});

describe('remembered keys', () => {
  it('are those of their records, however many there are', () => {
    const keys = new PayloadKeys();
    const key = recordKey('k');
    const records = Array.from({ length: 400 }, (_, index) => {
      const record = Buffer.from(sealed(key, 'r'));
      // All in one set: only the rest of the commitment differs.
      record.writeUInt32BE(index % 3, 106 + 8);
      record.writeUInt32BE(index, 106 + 8 + 8);
      return splitRecord(record);
    });
    let found = 0;
    for (const [index, record] of records.entries()) {
      keys.set(record, bytesFrom(`${index}`, 32));
      for (const [other, before] of records.slice(0, index + 1).entries()) {
        const known = keys.get(before);
        if (known === undefined) continue;
        found += 1;
        expect(known).toEqual(bytesFrom(`${other}`, 32));
      }
    }
    // Four of a set stay, and the oldest goes.
    expect(found).toBe(1 + 2 + 3 + 4 * (records.length - 3));
  });

  it('stay when there are more than the first slots are for', () => {
    const keys = new PayloadKeys();
    const key = recordKey('k');
    const records = Array.from({ length: 200 }, (_, index) => {
      const record = Buffer.from(sealed(key, 'r'));
      // Each in another set of all, and a few in each of the first ones.
      record.writeUInt16BE(index, 106 + 8);
      return splitRecord(record);
    });
    for (const [index, record] of records.entries()) {
      keys.set(record, bytesFrom(`${index}`, 32));
      for (const [other, before] of records.slice(0, index + 1).entries()) {
        expect(keys.get(before)).toEqual(bytesFrom(`${other}`, 32));
      }
    }
  });
});
