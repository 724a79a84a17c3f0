import { createHmac, createPrivateKey, createPublicKey, createHash, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Slot } from '@securestore/core-format';
import { decodeSlotBox, encodeSlotBox, encodeSlotFields } from '@securestore/core-format';
import * as libsodium from 'libsodium-wrappers';
import { describe, expect, it } from 'vitest';
import type { UnlockSecretMethod, UnlockMethod } from '../../src/index.ts';
import { keyFileContents, openSlot, passphrase, rawKey, sealSlot } from '../../src/index.ts';
import { bytesFrom, repeatableRandom } from '../support/fixtures.ts';

const sodium = libsodium.default;
await sodium.ready;

const context = { lineage: bytesFrom('lineage', 16), fingerprint: bytesFrom('fingerprint', 32) };
const rootBytes = bytesFrom('root', 32);
const root = { number: 7, key: createSecretKey(rootBytes) };
const random = repeatableRandom('slots');
const secret = bytesFrom('secret', 32);
const NOW = 1_700_000_000_000;

const seal = (unlock: UnlockMethod, place = context): Promise<Slot> => sealSlot(unlock, place, root, NOW, random);

/** The root as bytes; `undefined` where the secret is another one. */
async function open(
  slot: Slot,
  given: Uint8Array = secret,
  place = context,
  number = 7,
): Promise<Uint8Array | undefined> {
  return (await openSlot(slot, Buffer.from(given), place, number))?.root.export();
}

const slot = await seal(rawKey(secret));

const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();

describe('a slot', () => {
  it('opens by its raw key, and by no other', async () => {
    expect(await open(slot)).toEqual(rootBytes);
    expect(await open(slot, bytesFrom('wrong', 32))).toBeUndefined();
  });

  it('opens by its key file, of any length', async () => {
    for (const length of [32, 33, 5000]) {
      const contents = bytesFrom('file', length);
      const made = await seal(keyFileContents(() => Promise.resolve(contents)));
      expect(made.method.type).toBe('keyFile');
      expect(await open(made, contents)).toEqual(rootBytes);
      expect(await open(made, contents.subarray(1))).toBeUndefined();
      expect(await open(made, Buffer.concat([contents, Buffer.alloc(1)]))).toBeUndefined();
    }
  });

  // T-CURIOUS-04
  it('[S-02] opens by its passphrase, with Argon2id at 64 MiB and 3 passes', async () => {
    const made = await seal(passphrase('correct horse'));
    expect(made.method).toMatchObject({ type: 'passphrase', memory: 65_536, passes: 3 });
    expect(await open(made, Buffer.from('correct horse'))).toEqual(rootBytes);
    expect(await open(made, Buffer.from('correct horse '))).toBeUndefined();
  });

  it('[S-03] [S-04] is what the specification says, recomputed by hand', () => {
    const material = hmac(slot.method.type === 'rawKey' ? slot.method.salt : Buffer.alloc(0), secret);
    const place = [context.lineage, slot.id];
    const seed = hmac(material, Buffer.from('securestore/1 slot seed\0'), ...place);
    const scalar = createHash('sha512').update(seed).digest().subarray(0, 32);
    const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), scalar]);
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
    expect(Buffer.from(slot.publicKey)).toEqual(publicKey);
    const bindingKey = hmac(material, Buffer.from('securestore/1 slot binding\0'), ...place);
    expect(Buffer.from(slot.binding ?? [])).toEqual(hmac(bindingKey, context.fingerprint, encodeSlotFields(slot)));
    const box = decodeSlotBox(sodium.crypto_box_seal_open(slot.sealedRoot, publicKey, scalar));
    expect(Buffer.from(box.root)).toEqual(rootBytes);
    expect(box.rootNumber).toBe(7);
  });

  it('has its own salt, id and key pair each time', async () => {
    const again = await seal(rawKey(secret));
    expect(again.method).not.toEqual(slot.method);
    expect(again.id).not.toEqual(slot.id);
    expect(again.publicKey).not.toEqual(slot.publicKey);
    expect(again.binding).not.toEqual(slot.binding);
  });

  it('[S-03] is not opened where any of its fields, or the store identity, is another', async () => {
    const { method } = slot;
    if (method.type !== 'rawKey') throw new Error('another method');
    const changes: Partial<Slot>[] = [
      { id: bytesFrom('id', 16) },
      { created: NOW + 1 },
      { publicKey: bytesFrom('public', 32) },
      { method: { ...method, salt: bytesFrom('salt', 16) } },
      { method: { ...method, type: 'keyFile' } },
      { binding: bytesFrom('binding', 32) },
    ];
    for (const change of changes) expect(await open({ ...slot, ...change })).toBeUndefined();
    expect(await open(slot, secret, { ...context, fingerprint: bytesFrom('other', 32) })).toBeUndefined();
  });

  it('[S-03] of another store is not opened, though the secret is the same', async () => {
    expect(await open(slot, secret, { ...context, lineage: bytesFrom('other', 16) })).toBeUndefined();
    const elsewhere = await seal(rawKey(secret), { lineage: bytesFrom('other', 16), fingerprint: context.fingerprint });
    expect(await open(elsewhere)).toBeUndefined();
  });
});

const refused = async (changed: Slot, number = 7): Promise<void> => {
  await expect(open(changed, secret, context, number)).rejects.toMatchObject({ code: 'INTEGRITY' });
};
const sealTo = (publicKey: Uint8Array, box: Partial<Parameters<typeof encodeSlotBox>[0]>): Uint8Array =>
  sodium.crypto_box_seal(
    encodeSlotBox({ lineage: context.lineage, slotId: slot.id, rootNumber: 7, root: bytesFrom('evil', 32), ...box }),
    publicKey,
  );

describe('the sealed root of a slot', () => {
  it('[S-04] is refused damaged, or taken from another slot', async () => {
    for (const at of [0, 31, 32, 47, 48, slot.sealedRoot.length - 1]) {
      const sealedRoot = Buffer.from(slot.sealedRoot);
      sealedRoot.writeUInt8(sealedRoot.readUInt8(at) ^ 1, at);
      await refused({ ...slot, sealedRoot });
    }
    const sibling = await seal(rawKey(secret));
    await refused({ ...slot, sealedRoot: sibling.sealedRoot });
  });

  it('[S-04] is refused where its box is of another store, slot or root, though sealed to the right key', async () => {
    await refused({ ...slot, sealedRoot: sealTo(slot.publicKey, { lineage: bytesFrom('other', 16) }) });
    await refused({ ...slot, sealedRoot: sealTo(slot.publicKey, { slotId: bytesFrom('other', 16) }) });
    await refused({ ...slot, sealedRoot: sealTo(slot.publicKey, { rootNumber: 8 }) });
    await refused(slot, 8);
  });

  // T-BACKEND-07
  it('[S-03] is not even looked at where the binding tag does not match', async () => {
    const foreign = await seal(rawKey(bytesFrom('mallory', 32)));
    const garbage = { ...foreign, sealedRoot: Buffer.alloc(slot.sealedRoot.length) };
    expect(await open(garbage)).toBeUndefined();
  });

  it('is refused with an ephemeral key of low order, whose shared secret anybody knows', async () => {
    const file = new URL('../vectors/x25519_test.json', import.meta.url);
    const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as {
      testGroups: { tests: { flags: string[]; public: string }[] }[];
    };
    const low = testGroups.flatMap(({ tests }) => tests).filter(({ flags }) => flags.includes('LowOrderPublic'));
    expect(low.length).toBeGreaterThan(20);
    for (const { public: point } of low) {
      const sealedRoot = Buffer.concat([Buffer.from(point, 'hex'), slot.sealedRoot.subarray(32)]);
      await refused({ ...slot, sealedRoot });
    }
  });
});

describe('Argon2id parameters of a hostile head', () => {
  // T-BACKEND-06
  it('[S-02] are refused before anything is computed', async () => {
    const good = {
      type: 'passphrase',
      salt: bytesFrom('salt', 16),
      memory: 65_536,
      passes: 3,
      parallelism: 1,
    } as const;
    const bad = [
      { memory: 0 },
      { memory: 19 * 1024 - 1 },
      { memory: 1024 * 1024 + 1 },
      { memory: 0xffff_ffff },
      { passes: 0 },
      { passes: 11 },
      { parallelism: 0 },
      { parallelism: 17 },
    ];
    for (const change of bad) {
      await expect(open({ ...slot, method: { ...good, ...change } })).rejects.toMatchObject({ code: 'INTEGRITY' });
    }
  });
});

describe('a secret', () => {
  it('is wiped when its slot has been made, and also when that fails', async () => {
    const given: Buffer[] = [];
    const lend = (type: UnlockSecretMethod['type']): UnlockSecretMethod => ({
      type,
      secret: () => {
        const copy = Buffer.from(secret);
        given.push(copy);
        return Promise.resolve(copy);
      },
    });
    await seal(lend('rawKey'));
    const failing = sealSlot(lend('rawKey'), context, root, NOW, () => {
      throw new Error('no randomness');
    });
    await expect(failing).rejects.toThrow('no randomness');
    expect(given).toHaveLength(2);
    for (const copy of given) expect(copy).toEqual(Buffer.alloc(32));
  });
});
