// `opening-worker.ts keyring|body`: opens keyrings of suite 1, or bodies of records that hold the key of a payload, and wipes them. It
// prints a key of each, under a mask that it gets on its standard input, and stands still until it gets a byte.
import { readSync } from 'node:fs';
import { createSecretKey, randomBytes, randomFillSync } from 'node:crypto';
import { encodeObjectBody, noId, secretBytes, splitRecord } from '@securestore/core-format';
import type { RecordHeader } from '@securestore/core-format';
import { HmacKey, openRecord, openSystemBody, sealRecord, sealSystemBody, unversioned } from '@securestore/crypto';
import { openBody } from '../../src/record/body.ts';

const suite = 1;
const KEY_LENGTH = 32;
/** Of sizes that differ, so that no later one gets the memory of an earlier one. */
const SIZES = Array.from({ length: 100 }, (_, count) => 160 + 64 * count);

const mask = secretBytes(KEY_LENGTH);
/** Stays, so that whoever looks knows that it can see. */
const kept = secretBytes(KEY_LENGTH);
for (const buffer of [mask, kept]) readSync(0, buffer, 0, buffer.length, null);

const masked = (key: Uint8Array): string => Buffer.from(key.map((byte, at) => byte ^ (mask[at] ?? 0))).toString('hex');

const secret = createSecretKey(randomBytes(KEY_LENGTH));
const context = Buffer.from('somewhere');

/** @returns a key in a keyring of `size` bytes that was opened and wiped, masked */
function openKeyring(size: number): string {
  const keyring = randomFillSync(secretBytes(size));
  const told = masked(keyring.subarray(96, 96 + KEY_LENGTH));
  const sealed = sealSystemBody({ secret, suite }, 'keyring', context, keyring, randomBytes);
  const opened = openSystemBody('the keyring', unversioned(secret), [suite], 'keyring', context, sealed);
  if (!opened.equals(keyring)) throw new Error('it opens to something else');
  keyring.fill(0);
  opened.fill(0);
  return told;
}

const version = { id: randomBytes(8), suite, secret: new HmacKey(randomFillSync(secretBytes(KEY_LENGTH))) };
const blob = { blobId: randomBytes(16), partSize: 65_552, sealedLength: 65_600 };
const header: RecordHeader = {
  suite,
  kind: 'object',
  lineage: randomBytes(16),
  nameId: randomBytes(16),
  categoryId: randomBytes(16),
  version: 1,
  commitId: randomBytes(16),
  previousCommitId: noId(),
  generation: 1,
  blob,
};

/** @returns a record with metadata of `size` bytes, and the key of its payload, masked */
function recordOf(size: number): { readonly record: Buffer; readonly told: string } {
  const key = randomFillSync(secretBytes(KEY_LENGTH));
  const told = masked(key);
  const body = encodeObjectBody({
    name: 'some/name',
    created: 1,
    modified: 1,
    expires: 0,
    origin: 1,
    length: 65_536,
    digest: randomBytes(32),
    metadata: Buffer.alloc(size, 1),
    payload: { kind: 'blob', suite, key, chunkSize: 65_536 },
  });
  const record = sealRecord(version, header, body, randomBytes);
  body.fill(0);
  key.fill(0);
  return { record, told };
}

/** @returns the keys of payloads, in bodies that were opened and dropped, masked */
function openPayloadKeys(): string[] {
  // Before any is opened: what makes them would get the memory that opening them has freed.
  const records = SIZES.map(recordOf);
  for (const { record } of records) {
    if (openBody(openRecord(splitRecord(record), version)).payload.kind !== 'blob') throw new Error('it has no blob');
  }
  return records.map((made) => made.told);
}

const told = process.argv[2] === 'keyring' ? SIZES.map(openKeyring) : openPayloadKeys();
// Key objects wipe their own memory when they are collected.
for (let times = 0; times < 5; times++) {
  globalThis.gc?.();
  await new Promise((done) => setImmediate(done));
}
process.stdout.write(`${JSON.stringify({ stage: 'closed', told })}\n`);
await new Promise((done) => setTimeout(done, 50));
readSync(0, Buffer.alloc(1));
// Used to the end, so that nothing takes it for garbage.
process.stdout.write(`${kept.length}\n`);
