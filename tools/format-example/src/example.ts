import { createHash, createHmac, createSecretKey } from 'node:crypto';
import type { Head, Keyring, RecordHeader } from '../../../packages/core-format/src/index.ts';
import {
  blobGeometry,
  encodeCategoryMap,
  encodeHead,
  encodeKeyring,
  encodeObjectBody,
  encodeRecordHeader,
  HEAD_NAME,
  joinHead,
  keyringName,
  noId,
  objectName,
  parseStoreKey,
  partName,
  policyName,
  splitRecord,
  systemContext,
} from '../../../packages/core-format/src/index.ts';
import type { KeySet, OwnerKeys } from '../../../packages/crypto/src/index.ts';
import {
  BlobSealer,
  deriveBytes,
  digestWhole,
  fingerprintBytes,
  fingerprintOf,
  identityPublicKey,
  keyringKey,
  loadKeyring,
  NameCipher,
  rawKey,
  sealRecord,
  sealSlot,
  sealSystemBody,
  signAs,
} from '../../../packages/crypto/src/index.ts';

/** A value of the example, under the name that the specification gives it. */
export type Entry = readonly [name: string, value: Uint8Array | string];

/** A whole store with every value on the way to it. */
export interface Example {
  readonly inputs: readonly Entry[];
  readonly derived: readonly Entry[];
  /** What lies at the backend, by name. */
  readonly objects: readonly (readonly [name: string, body: Buffer])[];
}

const NOW = 1_700_000_000_000;

/** `count` bytes of which the first is `first` and each other one more than the one before. */
const run = (first: number, count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, at) => first + at));

/** What the example is made from, but for the random bytes of its objects. */
export const INPUTS = {
  secret: run(0x00, 32),
  lineage: run(0x20, 16),
  instance: run(0x30, 16),
  root: run(0x40, 32),
  identitySeed: run(0x60, 32),
  nameKey: run(0x80, 32),
  category: run(0xa0, 16),
  keyId: run(0xb0, 8),
  categoryKey: run(0xc0, 32),
  digestKey: run(0xe0, 32),
  journal: run(0xa1, 16),
  journalKeyId: run(0xb1, 8),
  journalKey: run(0xc1, 32),
  journalDigestKey: run(0xdf, 32),
} as const;

const SLOT = { salt: run(0x01, 16), id: run(0x11, 16) } as const;
const SALTS = { keyring: run(0x02, 32), categoryMap: run(0x03, 32) } as const;
const SMALL = { commit: run(0x04, 16), dek: run(0x05, 32), payload: Buffer.from('hello') } as const;
const LARGE = {
  commit: run(0x06, 16),
  dek: run(0x07, 32),
  blobId: run(0x08, 16),
  blobKey: run(0x09, 32),
  payload: Buffer.from('a payload in a blob'),
} as const;

/** The root sealed to the slot's public key: an anonymous box has randomness of its own, so this one was made once. */
const SEALED_ROOT: Buffer = Buffer.from(
  '02cf4061125caafcbb45b72c800511e888beaebb15a94966e897486dc145e450756f564947ce2149e71f90cb528954bd75db28a655cd0fcc4405' +
    'e3ba87ccc104a8cf7390a082b9ddf64fac5db4a1fd2a7742f1e60dbc2cc65e09bd5674132b45aea0f778454df87908b3671d43ca2637aeaca635',
  'hex',
);

/** Gives the listed bytes, one after the other. */
function answers(...values: readonly Buffer[]): (count: number) => Buffer {
  const left = [...values];
  return (count) => {
    const next = left.shift();
    if (next?.length !== count) throw new Error(`the example has no ${count} bytes here`);
    return Buffer.from(next);
  };
}

const hmac = (hash: string, key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer =>
  createHmac(hash, key).update(Buffer.concat(parts)).digest();
const label = (use: string): Buffer => Buffer.from(`securestore/1 ${use}\0`);
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

function newKeyring(): Keyring {
  const version = {
    id: INPUTS.keyId,
    suite: 1,
    state: 'primary',
    created: NOW,
    destroyAt: 0,
    key: INPUTS.categoryKey,
  } as const;
  const journalVersion = { ...version, id: INPUTS.journalKeyId, key: INPUTS.journalKey };
  const journal = {
    id: INPUTS.journal,
    kind: 'journal',
    digestKey: INPUTS.journalDigestKey,
    versions: [journalVersion],
  } as const;
  const group = { id: INPUTS.category, kind: 'category', digestKey: INPUTS.digestKey, versions: [version] } as const;
  return { rootNumber: 1, identitySeed: INPUTS.identitySeed, nameKey: INPUTS.nameKey, groups: [group, journal] };
}

/** A keyring whose keys may be wiped. */
function copyOfKeyring(): Keyring {
  const ring = newKeyring();
  const copies = ring.groups.map((group) => ({
    ...group,
    digestKey: Buffer.from(group.digestKey),
    versions: group.versions.map((version) => ({ ...version, key: Buffer.from(version.key) })),
  }));
  return {
    ...ring,
    identitySeed: Buffer.from(ring.identitySeed),
    nameKey: Buffer.from(ring.nameKey),
    groups: copies,
  };
}

function headerOf(nameId: Uint8Array, commitId: Uint8Array, version: number): RecordHeader {
  return {
    suite: 1,
    kind: 'object',
    lineage: INPUTS.lineage,
    nameId,
    categoryId: INPUTS.category,
    version,
    commitId,
    previousCommitId: noId(),
    generation: 1,
  };
}

interface Sealed {
  readonly derived: readonly Entry[];
  readonly objects: readonly (readonly [string, Buffer])[];
}

function systemObjects(keys: KeySet): Sealed & { readonly references: Head['references'] } {
  const root = createSecretKey(INPUTS.root);
  const names = { keyring: keyringName(1, run(0x0a, 16)), categoryMap: policyName(1, run(0x0b, 16)) };
  const map = encodeCategoryMap({ categories: [{ id: INPUTS.category, name: 'default' }], rules: [] });
  const plain = { keyring: encodeKeyring(newKeyring()), categoryMap: map };
  const purposeKeys = { keyring: keyringKey(root), categoryMap: keys.categoryMap };
  const sealed = (['keyring', 'categoryMap'] as const).map((purpose) => {
    const context = systemContext(INPUTS.instance, 1, names[purpose]);
    const random = answers(SALTS[purpose]);
    const body = sealSystemBody({ secret: purposeKeys[purpose], suite: 1 }, purpose, context, plain[purpose], random);
    return { purpose, name: names[purpose], body, digest: createHash('sha256').update(body).digest() };
  });
  return {
    references: Object.fromEntries(sealed.map(({ purpose, name, digest }) => [purpose, { name, digest }])),
    derived: [
      ['keyring plaintext', plain.keyring],
      ['purpose key of the keyring', purposeKeys.keyring.export()],
      ['context of the keyring', systemContext(INPUTS.instance, 1, names.keyring)],
      ['category map plaintext', map],
      ['purpose key of the category map', purposeKeys.categoryMap.export()],
    ],
    objects: sealed.map(({ name, body }) => [name, body] as const),
  };
}

function smallObject(keys: KeySet, names: NameCipher): Sealed {
  const { token, nameId } = names.locate(parseStoreKey('db/pw'));
  const { primary, digest } = keys.category(INPUTS.category);
  const header = headerOf(nameId, SMALL.commit, NOW * 1000);
  const headerBytes = encodeRecordHeader(header);
  const body = encodeObjectBody({
    name: 'db/pw',
    created: NOW,
    modified: NOW,
    expires: 0,
    origin: header.version,
    length: SMALL.payload.length,
    digest: digestWhole(digest, SMALL.payload),
    metadata: Buffer.from('{"owner":"ops"}'),
    payload: { kind: 'inline', data: SMALL.payload },
  });
  const record = sealRecord(primary, header, body, answers(SMALL.dek));
  const t = hmac('sha512', SMALL.dek, label('record'), u16(headerBytes.length), headerBytes, Buffer.from([1]));
  const wrapKey = hmac(
    'sha256',
    INPUTS.categoryKey,
    label('wrap'),
    u16(headerBytes.length),
    headerBytes,
    t.subarray(32),
  );
  const { envelope } = splitRecord(record);
  return {
    derived: [
      ['S of db', names.locate(parseStoreKey('db')).nameId],
      ['name id of db/pw', nameId],
      ['token of db/pw', token],
      ['H', headerBytes],
      ['K', t.subarray(0, 32)],
      ['C', t.subarray(32)],
      ['wrap key', wrapKey],
      ['wrapped DEK', envelope.wrappedKey],
      ['body of db/pw before sealing', body],
    ],
    objects: [[objectName(token), record]],
  };
}

function largeObject(keys: KeySet, names: NameCipher): Sealed {
  const { token, nameId } = names.locate(parseStoreKey('big'));
  const { primary, digest } = keys.category(INPUTS.category);
  const chunkSize = 4096;
  const { sealedLength, partSize } = blobGeometry(LARGE.payload.length, chunkSize, chunkSize + 16);
  const sealer = new BlobSealer({ suite: 1, chunkSize, blobId: LARGE.blobId }, LARGE.blobKey);
  const part = Buffer.alloc(sealedLength);
  sealer.seal(LARGE.payload, part, sealer.prefix.copy(part));
  const blob = { blobId: LARGE.blobId, partSize, sealedLength };
  const header = { ...headerOf(nameId, LARGE.commit, NOW * 1000 + 1), blob };
  const body = encodeObjectBody({
    name: 'big',
    created: NOW,
    modified: NOW,
    expires: 0,
    origin: header.version,
    length: LARGE.payload.length,
    digest: digestWhole(digest, LARGE.payload),
    metadata: Buffer.alloc(0),
    payload: { kind: 'blob', suite: 1, key: LARGE.blobKey, chunkSize },
  });
  return {
    derived: [
      ['token of big', token],
      ['body of big before sealing', body],
    ],
    objects: [
      [objectName(token), sealRecord(primary, header, body, answers(LARGE.dek))],
      [partName(token, LARGE.blobId, 0), part],
    ],
  };
}

async function head(
  { identity: own }: OwnerKeys,
  references: Head['references'],
): Promise<{ derived: Entry[]; body: Buffer }> {
  const identity = identityPublicKey(own);
  const context = { lineage: INPUTS.lineage, fingerprint: fingerprintBytes(identity) };
  const root = { number: 1, key: createSecretKey(INPUTS.root) };
  const slot = await sealSlot(rawKey(INPUTS.secret), context, root, NOW, answers(SLOT.salt, SLOT.id));
  const signed = encodeHead({
    lineage: INPUTS.lineage,
    instance: INPUTS.instance,
    parent: { instance: noId(), generation: 0 },
    generation: 1,
    ancestors: [],
    time: NOW,
    identity,
    rootNumber: 1,
    state: 'open',
    naming: 'encrypted',
    suites: [1],
    versionFloor: 0,
    history: { versions: 10, days: 30 },
    journal: 'off',
    rotationDays: 0,
    references,
    slots: [{ ...slot, sealedRoot: SEALED_ROOT }],
  });
  return {
    derived: [
      ['key material of the slot', hmac('sha256', SLOT.salt, INPUTS.secret)],
      ['public key of the slot', slot.publicKey],
      ['binding tag of the slot', slot.binding ?? Buffer.alloc(0)],
      ['public key of the identity', identity],
      ['fingerprint', fingerprintOf(identity)],
    ],
    body: joinHead(signed, signAs(own, 'head', signed)),
  };
}

/** The secret that opens the example, as 32 raw bytes. */
export const EXAMPLE_SECRET: Uint8Array = INPUTS.secret;

export async function makeExample(): Promise<Example> {
  const keys = loadKeyring(copyOfKeyring());
  const names = new NameCipher(keys.names, 'encrypted', INPUTS.lineage);
  const system = systemObjects(keys);
  const small = smallObject(keys, names);
  const large = largeObject(keys, names);
  const { derived, body } = await head(keys.owner, system.references);
  return {
    inputs: [
      ...Object.entries(INPUTS),
      ['salt of the slot', SLOT.salt],
      ['id of the slot', SLOT.id],
      ['DEK of db/pw', SMALL.dek],
      ['DEK of big', LARGE.dek],
      ['DEK of the blob', LARGE.blobKey],
    ],
    derived: [
      ...derived,
      ...system.derived,
      ['nameMac', deriveBytes(createSecretKey(INPUTS.nameKey), 'name mac')],
      ['nameEnc', keys.names.encryption.export()],
      ...small.derived,
      ...large.derived,
    ],
    objects: [[HEAD_NAME, body], ...system.objects, ...small.objects, ...large.objects],
  };
}
