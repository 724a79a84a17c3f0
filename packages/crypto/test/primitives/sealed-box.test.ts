import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openSealed, sealTo } from '../../src/index.ts';
import { openSealedBox, sealBox } from '../../src/primitives/sealed-box.ts';
import { slotKeyPair } from '../../src/unlock/slot-key-pair.ts';
import type { Libsodium } from '../../src/primitives/sodium.ts';
import { loadLibsodium } from '../../src/primitives/sodium.ts';
import { bytesFrom } from '../support/fixtures.ts';

const SEED = bytesFrom('seed', 32);
const SECRET = bytesFrom('plaintext', 68);

/** Whether libsodium's memory holds any 16 bytes of `bytes` that begin at a multiple of 8. */
function holds(sodium: Libsodium, bytes: Uint8Array): boolean {
  const { HEAPU8 } = (sodium as unknown as { readonly libsodium: { readonly HEAPU8: Uint8Array } }).libsodium;
  const memory = Buffer.from(HEAPU8.buffer, HEAPU8.byteOffset, HEAPU8.length);
  for (let at = 0; at + 16 <= bytes.length; at += 8)
    if (memory.includes(Buffer.from(bytes.subarray(at, at + 16)))) return true;
  return false;
}

describe('a sealed box', () => {
  it('leaves neither plaintext nor private key in the memory of libsodium, which would keep them', async () => {
    const sodium = await loadLibsodium();
    const { publicKey, privateKey } = slotKeyPair(SEED);
    const sealed = sealBox(sodium, SECRET, publicKey);
    expect(holds(sodium, SECRET)).toBe(false);
    expect(Buffer.from(openSealedBox(sodium, sealed, publicKey, privateKey) ?? [])).toEqual(SECRET);
    expect([holds(sodium, SECRET), holds(sodium, privateKey)]).toEqual([false, false]);
    sodium.crypto_box_seal_open(sealed, publicKey, privateKey);
    expect([holds(sodium, SECRET), holds(sodium, privateKey)]).toEqual([true, true]);
  });

  it('leaves nothing of several boxes either, of the same length and of others', async () => {
    const sodium = await loadLibsodium();
    const { publicKey, privateKey } = slotKeyPair(SEED);
    for (const [name, length] of [
      ['one', 68],
      ['two', 68],
      ['longer', 132],
      ['shorter', 36],
      ['three', 68],
    ] as const) {
      const secret = bytesFrom(name, length);
      const sealed = sealBox(sodium, secret, publicKey);
      expect(Buffer.from(openSealedBox(sodium, sealed, publicKey, privateKey) ?? [])).toEqual(secret);
      expect([holds(sodium, secret), holds(sodium, privateKey)]).toEqual([false, false]);
    }
  });

  it('is opened beside a decoy of its length that is sealed once', async () => {
    const sodium = await loadLibsodium();
    const { publicKey, privateKey } = slotKeyPair(SEED);
    const sealing = vi.spyOn(sodium, 'crypto_box_seal');
    onTestFinished(() => sealing.mockRestore());
    const boxes = [20, 20, 20, 21, 21].map((length) => sodium.crypto_box_seal(bytesFrom('x', length), publicKey));
    sealing.mockClear();
    for (const sealed of boxes) expect(openSealedBox(sodium, sealed, publicKey, privateKey)).toBeDefined();
    expect(sealing).toHaveBeenCalledTimes(2);
  });

  it('does not open by another key, and then leaves nothing either', async () => {
    const sodium = await loadLibsodium();
    const { publicKey } = slotKeyPair(SEED);
    const other = slotKeyPair(bytesFrom('another seed', 32));
    const sealed = sealBox(sodium, SECRET, publicKey);
    expect(openSealedBox(sodium, sealed, other.publicKey, other.privateKey)).toBeUndefined();
    expect(holds(sodium, other.privateKey)).toBe(false);
  });
});

describe('what is sealed to a public key', () => {
  it('opens by its private key, and neither by another one nor damaged or cut', async () => {
    const { publicKey, privateKey } = slotKeyPair(SEED);
    const other = slotKeyPair(bytesFrom('another seed', 32));
    const sealed = await sealTo(publicKey, SECRET);
    expect(sealed).toHaveLength(SECRET.length + 48);
    expect(await openSealed(privateKey, sealed)).toEqual(SECRET);
    expect(await openSealed(other.privateKey, sealed)).toBeUndefined();
    for (let at = 0; at < sealed.length; at++) {
      const damaged = Buffer.from(sealed);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      expect(await openSealed(privateKey, damaged)).toBeUndefined();
      expect(await openSealed(privateKey, sealed.subarray(0, at))).toBeUndefined();
    }
  });

  it('is not sealed to a key of low order, which anybody could open', async () => {
    const sealing = sealTo(new Uint8Array(32), SECRET);
    await expect(sealing).rejects.toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('the key pair of a slot', () => {
  it('is the one that libsodium makes of the seed', async () => {
    const sodium = await loadLibsodium();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        const { publicKey, privateKey } = slotKeyPair(seed);
        const expected = sodium.crypto_box_seed_keypair(seed);
        expect(publicKey).toEqual(Buffer.from(expected.publicKey));
        expect(privateKey).toEqual(Buffer.from(expected.privateKey));
      }),
    );
  });
});
