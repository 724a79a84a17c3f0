import { createHash, createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { joinRecord, keyringName, splitRecord, systemContext } from '@securestore/core-format';
import * as libsodium from 'libsodium-wrappers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  BlobOpener,
  BlobSealer,
  ContentDigester,
  DIGEST_LEAF_BYTES,
  digestWhole,
  openRecord,
  openSlot,
  openSystemBody,
  randomPool,
  rawKey,
  sealRecord,
  sealSlot,
  sealSystemBody,
  unversioned,
  suiteOf,
} from '../src/index.ts';
import { digestKeys } from '../src/primitives/content-digest.ts';
import { deriveBytes, expandInput, headerInput, label } from '../src/primitives/derive.ts';
import { bytesFrom, recordHeader, recordKey, repeatableRandom } from './support/fixtures.ts';
import { openableUnderBoth } from './support/multi-key.ts';

// Each of these is a fault that another project had; the test shows why ours hasn't.

const key = recordKey('one');
const random = repeatableRandom('lessons');
const failsWith = (code: string): unknown => expect.objectContaining({ code });
const CHUNK = 4096;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

describe('lessons from others', () => {
  // T-BACKEND-06
  it('CVE-2020-8912: the algorithm is that of the key version, not what unauthenticated metadata says', () => {
    const record = sealRecord(key, recordHeader('a'), Buffer.from('x'), random);
    record.writeUInt8(2, 5);
    expect(() => openRecord(splitRecord(record), key)).toThrow(/suite is not that of its key version/);
  });

  // T-CURIOUS-03
  it('CVE-2022-2582: no unkeyed digest of the plaintext lies beside the ciphertext', () => {
    const body = Buffer.from('a guessable secret');
    const record = sealRecord(key, recordHeader('a'), body, random);
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512', 'sha3-256', 'blake2b512']) {
      const digest = createHash(algorithm).update(body).digest();
      expect(record.includes(digest.subarray(0, 8)), algorithm).toBe(false);
    }
    const again = splitRecord(sealRecord(key, recordHeader('a'), body, random));
    const { envelope, sealedBody } = splitRecord(record);
    for (const [a, b] of [
      [envelope.commitment, again.envelope.commitment],
      [envelope.wrappedKey, again.envelope.wrappedKey],
      [sealedBody, again.sealedBody],
    ] as const) {
      expect(Buffer.from(a)).not.toEqual(Buffer.from(b));
    }
  });

  it('CVE-2025-14763: a wrapped key is of no use without the commitment that it was made with', () => {
    const [a, b] = ['a', 'a'].map((seed) => splitRecord(sealRecord(key, recordHeader(seed), Buffer.from('x'), random)));
    if (a === undefined || b === undefined) throw new Error('no records');
    for (const envelope of [
      { ...a.envelope, wrappedKey: b.envelope.wrappedKey },
      { ...a.envelope, commitment: b.envelope.commitment },
      b.envelope,
    ]) {
      const mixed = splitRecord(joinRecord(a.headerBytes, envelope, a.sealedBody));
      expect(() => openRecord(mixed, key)).toThrow(failsWith('INTEGRITY'));
    }
  });

  it('CVE-2025-14763: of two wrapped keys, made to open one body to different things, only the committed one opens it', () => {
    const suite = suiteOf(1);
    const { headerBytes, envelope } = splitRecord(sealRecord(key, recordHeader('a'), Buffer.from('x'), random));
    const deks = [bytesFrom('one', 32), bytesFrom('another', 32)] as const;
    const [first, second] = deks.map((dek) => suite.expand(dek, expandInput(label('record'), headerBytes)));
    if (first === undefined || second === undefined) throw new Error('no keys');
    const body = openableUnderBoth(first.subarray(0, 32), second.subarray(0, 32));
    const commitment = first.subarray(32);
    const open = (dek: Buffer): Buffer => {
      // As whoever has the key of the category, and could be the one who stores, would wrap it.
      const input = headerInput(label('wrap'), headerBytes, commitment);
      const wrappedKey = Buffer.alloc(48);
      suite.sealOnce(key.secret.bytes(input), dek, wrappedKey, 0);
      return openRecord(splitRecord(joinRecord(headerBytes, { ...envelope, commitment, wrappedKey }, body)), key);
    };
    expect(open(deks[0])).toHaveLength(16);
    expect(() => open(deks[1])).toThrow(/commitment/);
  });

  it('aws-encryption-sdk-javascript PR 1670: two consumers of one stream both see all of it', async () => {
    const blocks = 5;
    const dataKey = bytesFrom('blob', 32);
    const header = { suite: 1, chunkSize: DIGEST_LEAF_BYTES, blobId: bytesFrom('id', 16) };
    const keys = digestKeys(createSecretKey(bytesFrom('digest', 32)));
    const sealer = new BlobSealer(header, dataKey);
    const digester = new ContentDigester(keys);
    // As a writer does it: two buffers in turn, each sealed while its digest is still being computed.
    const buffers = [Buffer.alloc(DIGEST_LEAF_BYTES), Buffer.alloc(DIGEST_LEAF_BYTES)] as const;
    const sealed: Buffer[] = [];
    for (let block = 0; block < blocks; block++) {
      const buffer = buffers[block % 2 === 0 ? 0 : 1].fill(`block ${block} `);
      await digester.add(buffer);
      const out = Buffer.alloc(DIGEST_LEAF_BYTES + 16);
      sealer.seal(buffer, out, 0);
      sealed.push(out);
    }
    const opener = new BlobOpener(header, dataKey);
    const opened = sealed.map((chunk, index) => opener.open(index, chunk));
    for (const [block, chunk] of opened.entries()) {
      expect(chunk.equals(Buffer.alloc(DIGEST_LEAF_BYTES, `block ${block} `))).toBe(true);
    }
    const again = new ContentDigester(keys);
    for (const chunk of opened) await again.add(chunk);
    expect(await digester.finish()).toEqual(await again.finish());
  });

  it('gocryptfs: a block of zeros is no hole, it is refused', () => {
    const opener = new BlobOpener({ suite: 1, chunkSize: CHUNK, blobId: bytesFrom('id', 16) }, bytesFrom('blob', 32));
    for (const length of [16, 17, CHUNK + 16]) {
      expect(() => opener.open(0, Buffer.alloc(length))).toThrow(failsWith('INTEGRITY'));
    }
    const record = sealRecord(key, recordHeader('a'), Buffer.alloc(100), random);
    const { headerBytes, envelope, sealedBody } = splitRecord(record);
    const hole = joinRecord(headerBytes, envelope, Buffer.alloc(sealedBody.length));
    expect(() => openRecord(splitRecord(hole), key)).toThrow(failsWith('INTEGRITY'));
    expect(() => splitRecord(Buffer.alloc(record.length))).toThrow(failsWith('INTEGRITY'));
  });

  it("Tink's KMS envelope: a wrapped key is bound to the record that it is of", () => {
    const a = splitRecord(sealRecord(key, recordHeader('a'), Buffer.from('x'), random));
    const b = recordHeader('b');
    const moved = joinRecord(
      splitRecord(sealRecord(key, b, Buffer.from('x'), random)).headerBytes,
      a.envelope,
      a.sealedBody,
    );
    expect(() => openRecord(splitRecord(moved), key)).toThrow(/does not decrypt under the key version/);
  });

  it('sops: elements of one list are each bound to their place', () => {
    const header = { suite: 1, chunkSize: CHUNK, blobId: bytesFrom('id', 16) };
    const sealer = new BlobSealer(header, bytesFrom('blob', 32));
    const same = Buffer.alloc(CHUNK, 'same');
    const chunks = [0, 1, 2].map(() => {
      const out = Buffer.alloc(CHUNK + 16);
      sealer.seal(same, out, 0);
      return out;
    });
    expect(new Set(chunks.map((chunk) => chunk.toString('hex'))).size).toBe(3);
    const opener = new BlobOpener(header, bytesFrom('blob', 32));
    for (const [place, chunk] of chunks.entries()) {
      for (let other = 0; other < 3; other++) {
        if (other === place) expect(opener.open(other, chunk)).toEqual(same);
        else expect(() => opener.open(other, chunk)).toThrow(failsWith('INTEGRITY'));
      }
    }
  });

  it('CVE-2020-28924: lint refuses random numbers that are none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'securestore-lint-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const lint = async (source: string): Promise<string> => {
      await writeFile(join(folder, 'swapped.ts'), source);
      const args = [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '-c', join(ROOT, '.oxlintrc.json'), folder];
      return run(process.execPath, args).then(
        ({ stdout }) => stdout,
        ({ stdout }: { stdout: string }) => `refused: ${stdout}`,
      );
    };
    expect(await lint("import { randomBytes } from 'node:crypto';\nexport const id = randomBytes(16);\n")).toMatch(
      /^Found 0/m,
    );
    const weak = ['Math', 'random'].join('.');
    expect(await lint(`export const id = ${weak}();\n`)).toMatch(
      /^refused: [^]*no-restricted-properties[^]*node:crypto/,
    );
  });

  it('CVE-2020-28924: no random number comes from anything but node:crypto, and the clock and the seed are none', () => {
    const packages = new URL('../../', import.meta.url);
    const sources = globSync('*/src/**/*.ts', { cwd: packages });
    expect(sources.length).toBeGreaterThan(200);
    const users = sources.filter((file) => {
      const source = readFileSync(new URL(file, packages), 'utf8');
      expect(source, file).not.toContain(['Math', 'random'].join('.'));
      return /random(Fill|Bytes|Int)|getRandomValues/.test(source);
    });
    expect(users.filter((file) => file.startsWith('crypto/'))).toEqual(['crypto/src/primitives/random.ts']);
    for (const file of users) {
      // What runs in a browser has the browser's.
      const source = file.startsWith('console/src/pages/')
        ? /\bcrypto\.getRandomValues\(/
        : /random.* from 'node:crypto'/;
      expect(readFileSync(new URL(file, packages), 'utf8'), file).toMatch(source);
    }
    vi.useFakeTimers({ now: 0 });
    vi.spyOn(Math, ['ran', 'dom'].join('') as 'random').mockReturnValue(0);
    onTestFinished(() => {
      vi.useRealTimers();
      vi.restoreAllMocks();
    });
    const taken = Array.from({ length: 1000 }, () => randomPool()(16).toString('hex'));
    expect(new Set(taken).size).toBe(taken.length);
  });
});

describe('lessons from others, for slots and keyrings', () => {
  const context = { lineage: bytesFrom('lineage', 16), fingerprint: bytesFrom('fingerprint', 32) };
  const root = { number: 1, key: createSecretKey(bytesFrom('root', 32)) };

  // T-CURIOUS-04
  it('partitioning oracles: what a slot holds fits one secret, whoever made it', async () => {
    const secrets = Array.from({ length: 50 }, (_, index) => bytesFrom(`secret ${index}`, 32));
    const slot = await sealSlot(rawKey(secrets[7] ?? Buffer.alloc(0)), context, root, 1, random);
    const fitting: number[] = [];
    for (const [index, secret] of secrets.entries()) {
      if ((await openSlot(slot, Buffer.from(secret), context, 1)) !== undefined) fitting.push(index);
    }
    expect(fitting).toEqual([7]);
    // What a stranger makes of it: the tag of one secret, and a box that the key of another opens.
    const other = await sealSlot(rawKey(secrets[9] ?? Buffer.alloc(0)), context, root, 1, random);
    const mixed = { ...slot, publicKey: other.publicKey, sealedRoot: other.sealedRoot };
    for (const secret of secrets) expect(await openSlot(mixed, Buffer.from(secret), context, 1)).toBeUndefined();
  });

  it('partitioning oracles: no keyring opens under two root keys, though AES-GCM alone would let it', () => {
    const secrets = ['one root', 'another root'].map((seed) => createSecretKey(bytesFrom(seed, 32)));
    const [one, other] = secrets;
    if (one === undefined || other === undefined) throw new Error('no keys');
    const name = keyringName(1, bytesFrom('name', 16));
    const place = systemContext(bytesFrom('instance', 16), 1, name);
    const genuine = sealSystemBody({ secret: one, suite: 1 }, 'keyring', place, Buffer.alloc(16), random);
    const header = genuine.subarray(0, 48);
    const expanded = (secret: KeyObject): Buffer =>
      suiteOf(1).expand(deriveBytes(secret, 'system key', header, place), expandInput(label('system'), header));
    const [first, second] = [expanded(one), expanded(other)];
    const both = openableUnderBoth(first.subarray(0, 32), second.subarray(0, 32));
    // The control: the cipher alone accepts it under either key.
    for (const { buffer, byteOffset } of [first, second]) {
      expect(suiteOf(1).openOnce(Buffer.from(buffer, byteOffset, 32), both)).toHaveLength(16);
    }
    const crafted = Buffer.concat([header, first.subarray(32), both]);
    const open = (secret: KeyObject): Buffer =>
      openSystemBody('it', unversioned(secret), [1], 'keyring', place, crafted);
    expect(open(one)).toHaveLength(16);
    expect(() => open(other)).toThrow(/commitment/);
  });

  it('sealing by anyone: a root that a stranger sealed to a public key opens nothing for its owner', async () => {
    await libsodium.default.ready;
    const secret = bytesFrom('owner', 32);
    const genuine = await sealSlot(rawKey(secret), context, root, 1, random);
    // A stranger copies the slot into a store of their own, signed by an identity of their own, with a root they know.
    const evil = Buffer.concat([context.lineage, genuine.id, Buffer.from([0, 0, 0, 1]), bytesFrom('evil root', 32)]);
    const slot = { ...genuine, sealedRoot: libsodium.default.crypto_box_seal(evil, genuine.publicKey) };
    const strange = { ...context, fingerprint: bytesFrom('stranger', 32) };
    expect(await openSlot(slot, Buffer.from(secret), strange, 1)).toBeUndefined();
    // Without the secret no binding tag can be made for that identity.
    const guess = createHmac('sha256', Buffer.alloc(32)).update(strange.fingerprint).digest();
    expect(await openSlot({ ...slot, binding: guess }, Buffer.from(secret), strange, 1)).toBeUndefined();
  });

  it('a keyring rolled back to undo a revocation does not open in the place of the present one', () => {
    const instance = bytesFrom('instance', 16);
    const purposeKey = createSecretKey(bytesFrom('purpose', 32));
    const [before, now] = [1, 2].map((generation) => {
      const name = keyringName(generation, bytesFrom(`name ${generation}`, 16));
      return systemContext(instance, generation, name);
    });
    if (before === undefined || now === undefined) throw new Error('no contexts');
    const old = sealSystemBody({ secret: purposeKey, suite: 1 }, 'keyring', before, Buffer.from('all keys'), random);
    expect(openSystemBody('it', unversioned(purposeKey), [1], 'keyring', before, old).toString()).toBe('all keys');
    expect(() => openSystemBody('it', unversioned(purposeKey), [1], 'keyring', now, old)).toThrow(
      failsWith('INTEGRITY'),
    );
  });

  it('an empty digest key or payload is no special case', () => {
    const keys = digestKeys(createSecretKey(bytesFrom('digest', 32)));
    expect(digestWhole(keys, new Uint8Array())).not.toEqual(createHash('sha256').digest());
    expect(suiteOf(1).openOnce(Buffer.alloc(32), new Uint8Array())).toBeUndefined();
  });
});
