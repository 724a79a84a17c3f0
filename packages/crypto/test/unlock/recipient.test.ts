import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Slot } from '@securestore/core-format';
import { isBound } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRecipient, generateIdentity, identity, openSlot, rawKey, recipientOf } from '../../src/index.ts';
import { sealSlot, sealSlotTo } from '../../src/index.ts';
import { printed } from '../../src/unlock/printed.ts';
import { bytesFrom, repeatableRandom } from '../support/fixtures.ts';

const context = { lineage: bytesFrom('lineage', 16), fingerprint: bytesFrom('fingerprint', 32) };
const rootBytes = bytesFrom('root', 32);
const root = { number: 7, key: createSecretKey(rootBytes) };
const random = repeatableRandom('recipients');
const PIN = 'a'.repeat(52);

/** The root as bytes; `undefined` where the slot is for somebody else. */
async function open(slot: Slot, own: Uint8Array, place = context, number = 7): Promise<Uint8Array | undefined> {
  return (await openSlot(slot, await identity(own).secret(), place, number))?.root.export();
}

const own = generateIdentity();
const slot = await sealSlotTo(await recipientOf(own), context, root, 1, random);

const sealTo = (text: unknown): Promise<Slot> => sealSlotTo(text as string, context, root, 1, random);

describe('a slot of a recipient', () => {
  it('[S-08] is opened by their identity and by no other, and was made without it', async () => {
    expect(isBound(slot.method.type)).toBe(false);
    expect(slot.binding).toBeUndefined();
    expect(formatRecipient(slot.publicKey)).toBe(await recipientOf(own));
    expect(await open(slot, own)).toEqual(rootBytes);
    expect(await open(slot, generateIdentity())).toBeUndefined();
    const another = await sealSlotTo(await recipientOf(generateIdentity()), context, root, 1, random);
    // A box that is theirs in a slot that says another public key.
    expect(await open({ ...another, sealedRoot: slot.sealedRoot }, own)).toBeUndefined();
    await expect(open({ ...slot, sealedRoot: another.sealedRoot }, own)).rejects.toMatchObject({ code: 'INTEGRITY' });
  });

  it('[S-04] is refused with the root of another store, slot or number', async () => {
    const elsewhere = { ...context, lineage: bytesFrom('other', 16) };
    for (const opening of [
      open(slot, own, elsewhere),
      open(slot, own, context, 8),
      open({ ...slot, id: bytesFrom('other', 16) }, own),
    ]) {
      await expect(opening).rejects.toMatchObject({ code: 'INTEGRITY' });
    }
  });

  it('is made by its own identity too', async () => {
    expect(await open(await sealSlot(identity(own), context, root, 1, random), own)).toEqual(rootBytes);
  });

  it('[S-10] is followed under a new root key, and not by what only looks like it', async () => {
    const unlocked = await openSlot(slot, await identity(own).secret(), context, 7);
    const recipient = await recipientOf(own);
    const renewed = { number: 8, key: createSecretKey(bytesFrom('new root', 32)) };
    const next = { ...(await sealSlotTo(recipient, context, renewed, 1, repeatableRandom('next'))), id: slot.id };
    // Its box is that of another id.
    await expect(unlocked?.follow(next, 8)).rejects.toMatchObject({ code: 'INTEGRITY' });
    const stranger = await sealSlotTo(await recipientOf(generateIdentity()), context, renewed, 1, random);
    const bound = await sealSlot(rawKey(bytesFrom('raw', 32)), context, renewed, 1, random);
    for (const other of [{ ...stranger, id: slot.id }, bound]) {
      await expect(unlocked?.follow(other, 8)).rejects.toMatchObject({ code: 'INTEGRITY' });
    }
    const same = await sealSlotTo(recipient, context, renewed, 1, () => Buffer.from(slot.id));
    expect((await unlocked?.follow(same, 8))?.root.export()).toEqual(bytesFrom('new root', 32));
  });

  it('takes no public key of low order, to which anybody could open what is sealed', async () => {
    const file = new URL('../vectors/x25519_test.json', import.meta.url);
    const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as {
      testGroups: { tests: { flags: string[]; public: string }[] }[];
    };
    const low = testGroups.flatMap(({ tests }) => tests).filter(({ flags }) => flags.includes('LowOrderPublic'));
    expect(low.length).toBeGreaterThan(20);
    for (const { public: point } of low) {
      const recipient = formatRecipient(Buffer.from(point, 'hex'));
      const sealing = sealSlotTo(recipient, context, root, 1, random);
      await expect(sealing).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  it('takes no recipient that was mistyped, and says what else it is', async () => {
    const recipient = await recipientOf(own);
    const last = recipient.endsWith('0') ? '1' : '0';
    await expect(sealTo(recipient.slice(0, -1) + last)).rejects.toThrow(/mistyped/);
    await expect(sealTo(own.toString('latin1'))).rejects.toThrow(
      'the recipient must begin with SSRP1, got an identity',
    );
    await expect(sealTo(undefined)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await sealTo(` ${recipient.toLowerCase().replaceAll('-', '')}\n`)).publicKey).toEqual(
      Buffer.from(slot.publicKey),
    );
  });
});

it('[S-03] a slot of a secret whose binding tag was taken away is not opened by the secret', async () => {
  const secret = bytesFrom('raw', 32);
  const bound = await sealSlot(rawKey(secret), context, root, 1, random);
  expect((await openSlot(bound, Buffer.from(secret), context, 7))?.root.export()).toEqual(rootBytes);
  expect(await openSlot({ ...bound, binding: undefined }, Buffer.from(secret), context, 7)).toBeUndefined();
  // Nor as a slot of a recipient, whose identity it would be.
  const renamed: Slot = { ...bound, method: { type: 'recipient' }, binding: undefined };
  expect(await openSlot(renamed, Buffer.from(secret), context, 7)).toBeUndefined();
});

const fileOf = (...lines: string[]): Buffer => Buffer.from(lines.join('\n'));
const text = own.toString('latin1');

describe('an identity', () => {
  it('is read with comments, empty lines and fingerprints around it, whatever its case', async () => {
    const read = identity(
      fileOf('# made today', '', `fingerprint: ${PIN}`, ` ${text.toLowerCase()} \r`, `fingerprint:${PIN}`),
    );
    expect(await read.secret()).toEqual(await identity(own).secret());
    expect(await read.pins?.()).toEqual([PIN]);
    expect(await identity(text).pins?.()).toEqual([]);
  });

  it.each([
    ['nothing', fileOf('# nothing', '')],
    ['two identities', fileOf(text, generateIdentity().toString('latin1'))],
    ['a fingerprint that is none', fileOf(text, 'fingerprint: 123')],
    ['a setting that is unknown', fileOf(text, 'store: sqlite:./vault.db')],
    ['a part of one', fileOf(text.slice(0, -5))],
    ['another secret', fileOf('SSRC1-0000')],
    ['no text', Buffer.from([0xff, 0xfe])],
  ])('with %s is refused, and nothing of it shows', async (_, bytes) => {
    for (const call of [() => identity(bytes).secret(), () => recipientOf(bytes), () => identity(bytes).pins?.()]) {
      const error = await Promise.resolve(call()).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect((error as Error).message).not.toContain(text.slice(6, 15));
    }
  });

  it('is never made of bytes that are not one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await expect(identity(bytes).secret()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      }),
    );
  });

  it('with any character changed is refused, or is the same', async () => {
    // One mistake in a million passes its check, so identity and changes are the same in every run.
    const fixed = printed('identity', bytesFrom('an identity', 32));
    const before = await identity(fixed).secret();
    const changes = fc.tuple(fc.nat({ max: fixed.length - 1 }), fc.integer({ min: 0x20, max: 0x7e }));
    await fc.assert(
      fc.asyncProperty(changes, async ([at, code]) => {
        const changed = Buffer.from(fixed);
        changed[at] = code;
        const read = await identity(changed)
          .secret()
          .catch(() => undefined);
        if (read !== undefined) expect(read).toEqual(before);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
