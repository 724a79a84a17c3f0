import { createHash, createHmac, createSecretKey } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { SqliteBackend } from '@securestore/backend-sqlite';
import type { Head, Keyring, Slot, SplitRecord } from '@securestore/core-format';
import {
  AREAS,
  decodeObjectBody,
  encodeBlobHeader,
  generationOf,
  KEY_LENGTH,
  objectName,
  splitRecord,
  systemContext,
} from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import { suiteOf } from '@securestore/crypto';
import { argon2id } from '../../../crypto/src/primitives/argon2.ts';
import { deriveBytes, expandInput, headerInput, label } from '../../../crypto/src/primitives/derive.ts';
import { pagesUnder } from '../../src/util/listing.ts';
import { readHead, readKeyring } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import { unpadded } from './methods.ts';
import type { Needle } from './scan.ts';

const SUITE = suiteOf(1);
const HEADER_LENGTH = 48;
const key = (bytes: Uint8Array): ReturnType<typeof createSecretKey> => createSecretKey(bytes);
const derived = (from: Uint8Array, use: string, ...context: Uint8Array[]): Buffer =>
  deriveBytes(key(from), use, ...context);

/** What comes of a secret on its way to a slot, whether it opens it or not. */
async function slotNeedles(secret: Buffer, slot: Slot, { lineage }: Head): Promise<Needle[]> {
  const { method, id } = slot;
  if (method.type === 'recipient') return [{ what: 'private key of the slot', bytes: Buffer.from(secret) }];
  const material =
    method.type === 'keyWrapper'
      ? unpadded(method.wrappedSeed, secret)
      : method.type === 'passphrase'
        ? await argon2id({
            message: secret,
            nonce: method.salt,
            memory: method.memory,
            passes: method.passes,
            parallelism: method.parallelism,
            tagLength: KEY_LENGTH,
          })
        : createHmac('sha256', method.salt).update(secret).digest();
  const seed = derived(material, 'slot seed', lineage, id);
  return [
    { what: 'key material of the slot', bytes: material },
    { what: 'seed of the slot', bytes: seed },
    { what: 'private key of the slot', bytes: createHash('sha512').update(seed).digest().subarray(0, KEY_LENGTH) },
    // Which a slot of a key wrapper has not, and so should be nowhere.
    { what: 'binding key of the slot', bytes: derived(material, 'slot binding', lineage, id) },
  ];
}

/** A key and those that are derived from it. */
function named(what: string, from: Uint8Array, ...uses: string[]): Needle[] {
  return [
    { what, bytes: Buffer.from(from) },
    ...uses.map((use) => ({ what: `${what}: ${use}`, bytes: derived(from, use) })),
  ];
}

/** Keys as `HmacKey` holds them while they are in use: XOR the constants of RFC 2104. */
function paddedNeedles(needles: readonly Needle[]): Needle[] {
  const pads = { inner: 0x36, outer: 0x5c };
  return needles.flatMap(({ what, bytes }) =>
    Object.entries(pads).map(([pad, constant]) => ({
      what: `${what}, ${pad} pad`,
      bytes: Buffer.from(bytes.map((byte) => byte ^ constant)),
    })),
  );
}

function keyringNeedles(root: Buffer, { identitySeed, nameKey, groups }: Keyring): Needle[] {
  return [
    ...named('root key', root, 'keyring'),
    ...named('identity', identitySeed),
    ...named('name key', nameKey, 'name mac', 'name encryption', 'category map'),
    ...groups.flatMap(({ kind, digestKey, versions }) => [
      ...named(`digest key (${kind})`, digestKey, 'digest whole', 'digest leaf', 'digest tree'),
      ...versions.flatMap((version) => named(`key version (${kind}, ${version.state})`, version.key)),
    ]),
  ];
}

/** The keys of one record, and of its blob. */
function recordNeedles(name: string, record: SplitRecord, keyring: Keyring): Needle[] {
  const { header, headerBytes, envelope, sealedBody } = record;
  const versions = keyring.groups.flatMap((group) => group.versions);
  const version = versions.find(({ id }) => Buffer.compare(id, envelope.keyId) === 0);
  if (version === undefined) throw new Error(`${name} names no key version`);
  const input = headerInput(label('wrap'), headerBytes, envelope.commitment);
  const wrapKey = createHmac('sha256', version.key).update(input).digest();
  const dek = SUITE.openOnce(wrapKey, envelope.wrappedKey);
  if (dek === undefined) throw new Error(`${name} does not open`);
  const payloadKey = SUITE.expand(dek, expandInput(label('record'), headerBytes)).subarray(0, KEY_LENGTH);
  const found: Needle[] = [
    { what: `wrap key of ${name}`, bytes: wrapKey },
    { what: `DEK of ${name}`, bytes: dek },
    { what: `payload key of ${name}`, bytes: payloadKey },
  ];
  const body = SUITE.openOnce(payloadKey, sealedBody);
  const payload = body && header.kind === 'object' ? decodeObjectBody(body).payload : undefined;
  if (payload?.kind !== 'blob' || header.blob === undefined) return found;
  const { suite, chunkSize, key: blobKey } = payload;
  const blobHeader = encodeBlobHeader({ suite, chunkSize, blobId: header.blob.blobId });
  const chunkKey = SUITE.expand(blobKey, expandInput(label('blob'), blobHeader)).subarray(0, KEY_LENGTH);
  return [
    ...found,
    { what: `DEK of the blob of ${name}`, bytes: Buffer.from(blobKey) },
    { what: `chunk key of ${name}`, bytes: chunkKey },
  ];
}

async function keyringBodyNeedles(backend: StorageBackend, head: Head, root: Buffer): Promise<Needle[]> {
  const name = head.references.keyring?.name ?? '';
  const found = await backend.read(name);
  const header = Buffer.from(found?.body ?? []).subarray(0, HEADER_LENGTH);
  const context = systemContext(head.instance, generationOf(name) ?? 0, name);
  const bodyKey = derived(derived(root, 'keyring'), 'system key', header, context);
  const expanded = SUITE.expand(bodyKey, expandInput(label('system'), header));
  return [
    { what: 'body key of the keyring', bytes: bodyKey },
    { what: 'expanded key of the keyring', bytes: expanded.subarray(0, KEY_LENGTH) },
  ];
}

/**
 * Every key of a store that can be computed from what lies there.
 *
 * @param tried the secret that a process has tried
 */
export async function storeNeedles(url: string, unlock: UnlockMethod, tried: Buffer): Promise<Needle[]> {
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
  try {
    const read = await readHead(backend);
    if (read === undefined) throw new Error('there is no store');
    const { head } = read;
    const root = (await unlockRoot(head, unlock)).root.export();
    const keyring = await readKeyring(backend, head, key(root));
    const needles = [...keyringNeedles(root, keyring), ...(await keyringBodyNeedles(backend, head, root))];
    needles.push(...paddedNeedles(needles));
    for (const slot of head.slots) if (!('raw' in slot)) needles.push(...(await slotNeedles(tried, slot, head)));
    for (const area of [AREAS.objects, AREAS.history]) {
      for await (const names of pagesUnder(backend, area)) {
        for (const name of names) {
          const record = await backend.read(name);
          if (record === undefined) continue;
          const found = recordNeedles(name, splitRecord(record.body), keyring);
          needles.push(...found, ...paddedNeedles(found));
        }
      }
    }
    return needles;
  } finally {
    await backend.close();
  }
}

/** Flips a bit of every record, and of the first part of every blob. */
export async function damageAll(url: string): Promise<void> {
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
  for (const area of [objectName(''), AREAS.blobs]) {
    for await (const names of pagesUnder(backend, area)) {
      for (const name of names) {
        const found = await backend.read(name);
        const bytes = Buffer.from(found?.body ?? []);
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
        await backend.write(name, bytes);
      }
    }
  }
  await backend.close();
}

/** All bytes that lie in a store, in one piece: what is found there is no secret. */
export async function publicBytes(url: string): Promise<Buffer> {
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
  const all: Uint8Array[] = [];
  for (const area of ['store', ...Object.values(AREAS)]) {
    for await (const names of pagesUnder(backend, area)) {
      for (const name of names) all.push((await backend.read(name))?.body ?? new Uint8Array());
    }
  }
  await backend.close();
  return Buffer.concat(all);
}
