import { createHmac, createSecretKey } from 'node:crypto';
import type { Slot } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printed, readPrinted } from '../../src/unlock/printed.ts';
import type { HeldSecret, UnlockSecretMethod, UnlockedSlot } from '../../src/index.ts';
import { generateShares, holdSecret, sealSlot, shares } from '../../src/index.ts';
import { bytesFrom, repeatableRandom } from '../support/fixtures.ts';

const context = { lineage: bytesFrom('lineage', 16), fingerprint: bytesFrom('fingerprint', 32) };
const root = { number: 7, key: createSecretKey(bytesFrom('root', 32)) };

const seal = (unlock: UnlockSecretMethod): Promise<Slot> =>
  sealSlot(unlock, context, root, 1, repeatableRandom('tags'));

async function open(slot: Slot, given: readonly Buffer[]): Promise<UnlockedSlot | undefined> {
  const held = await holdSecret(shares(given));
  try {
    return await held.open(slot, context, root.number);
  } finally {
    held.wipe();
  }
}

/** Another y, with digits of check that are right. */
function forged(share: Buffer | undefined): Buffer {
  const bytes = readPrinted('share', share ?? Buffer.alloc(0), 39);
  bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
  return printed('share', bytes);
}

const isForged = (given: readonly Buffer[], at: readonly number[]): Buffer[] =>
  given.map((share, index) => (at.includes(index) ? forged(share) : share));

function pick<T>(all: readonly T[], indices: readonly number[]): T[] {
  return indices.flatMap((index) => all.slice(index, index + 1));
}

const stranger = (numbers: string): unknown =>
  expect.objectContaining({
    code: 'UNLOCK_FAILED',
    message: expect.stringMatching(
      new RegExp(`^shares? ${numbers} of those given (is not one|are not) of this store`, 'u'),
    ) as string,
  });

describe('a slot of 3 of 5 shares', () => {
  const made = generateShares({ threshold: 3, count: 5 });
  const sealed = made.then((all) => seal(shares(all)));

  it('[S-12] has a tag of 8 bytes for each share, by its salt and all of the share', async () => {
    const { method } = await sealed;
    if (method.type !== 'shares') throw new Error('another method');
    const tags = (await made).map((share) => {
      const input = Buffer.concat([Buffer.from('securestore/1 share tag\0'), readPrinted('share', share, 39)]);
      return createHmac('sha256', method.salt).update(input).digest().subarray(0, 8);
    });
    expect(Buffer.concat(tags)).toEqual(method.tags);
  });

  it('has the same tags, whichever of the shares it is made of', async () => {
    const all = await made;
    const { method } = await sealed;
    for (const indices of [
      [0, 1, 2],
      [4, 2, 0],
      [3, 4, 1],
      [1, 2, 3, 4],
    ]) {
      expect((await seal(shares(pick(all, indices)))).method).toEqual(method);
    }
  });

  it('is opened by any three, in any order', async () => {
    const all = await made;
    let triples = 0;
    for (let a = 0; a < 5; a++)
      for (let b = a + 1; b < 5; b++)
        for (let c = b + 1; c < 5; c++) {
          triples++;
          for (const order of [
            [a, b, c],
            [c, a, b],
          ]) {
            expect((await open(await sealed, pick(all, order)))?.root.equals(root.key)).toBe(true);
          }
        }
    expect(triples).toBe(10);
  });

  it('[S-14] a forged share is named, wherever it is among the three', async () => {
    const all = await made;
    for (const indices of [
      [0, 1, 2],
      [4, 3, 0],
      [2, 0, 4],
    ]) {
      for (const at of [0, 1, 2]) {
        const given = isForged(pick(all, indices), [at]);
        await expect(open(await sealed, given)).rejects.toEqual(stranger(String(at + 1)));
      }
      await expect(open(await sealed, isForged(pick(all, indices), [0, 2]))).rejects.toEqual(stranger('1 and 3'));
    }
    await expect(open(await sealed, isForged(all, [0, 1, 3]))).rejects.toEqual(stranger('1, 2 and 4'));
  });

  it('[S-14] is opened by the others, where enough are right', async () => {
    const all = await made;
    for (const at of [0, 1, 2, 3]) expect(await open(await sealed, isForged(all.slice(1), [at]))).toBeDefined();
    for (const at of [
      [0, 1],
      [1, 3],
      [3, 4],
    ])
      expect(await open(await sealed, isForged(all, at))).toBeDefined();
  });

  it('is another’s where none of the shares is its own, or they are of other numbers', async () => {
    const all = await made;
    expect(await open(await sealed, await generateShares({ threshold: 3, count: 5 }))).toBeUndefined();
    expect(await open(await sealed, isForged(all, [0, 1, 2, 3, 4]))).toBeUndefined();
    const renumbered = all.map((share) => {
      const bytes = readPrinted('share', share, 39);
      bytes.writeUInt8(6, 5);
      return printed('share', bytes);
    });
    expect(await open(await sealed, renumbered)).toBeUndefined();
  });

  it('a share of another set under the name of this one is a stranger', async () => {
    const all = await made;
    const [other] = await generateShares({ threshold: 3, count: 5 });
    const renamed = readPrinted('share', other ?? Buffer.alloc(0), 39);
    readPrinted('share', all[0] ?? Buffer.alloc(0), 39).copy(renamed, 0, 0, 4);
    const given = [...all.slice(1, 3), printed('share', renamed)];
    await expect(open(await sealed, given)).rejects.toEqual(stranger('3'));
  });

  it.each([0, 7, 8, 23, 39])(
    'does not open with another bit at %i of its tags, whoever is right by them',
    async (at) => {
      const all = await made;
      const slot = await sealed;
      if (slot.method.type !== 'shares') throw new Error('another method');
      const tags = Buffer.from(slot.method.tags);
      tags.writeUInt8(tags.readUInt8(at) ^ 1, at);
      const planted = { ...slot, method: { ...slot.method, tags } };
      // Three are right by the tags that are left, and the slot is not bound to their secret.
      expect(await open(planted, all)).toBeUndefined();
    },
  );

  it('does not open by a forged share whose tag was planted', async () => {
    const slot = await sealed;
    if (slot.method.type !== 'shares') throw new Error('another method');
    const given = isForged((await made).slice(0, 3), [0]);
    const input = Buffer.concat([
      Buffer.from('securestore/1 share tag\0'),
      readPrinted('share', given[0] ?? Buffer.alloc(0), 39),
    ]);
    const tags = Buffer.from(slot.method.tags);
    tags.set(createHmac('sha256', slot.method.salt).update(input).digest().subarray(0, 8));
    expect(await open({ ...slot, method: { ...slot.method, tags } }, given)).toBeUndefined();
  });

  it('[S-15] is not made of shares that contradict each other', async () => {
    const all = await made;
    for (const at of [0, 1, 2, 3]) {
      const sealing = seal(shares(isForged(all.slice(1), [at])));
      await expect(sealing).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(sealing).rejects.toThrow('the shares given contradict each other');
    }
  });

  it('is not made by a method that gives no shares', async () => {
    const none: UnlockSecretMethod = { type: 'shares', secret: async () => Buffer.alloc(32, 1) };
    await expect(seal(none)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(holdSecret(none)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

it('a slot of any numbers is opened by any shares that are enough, and names any that is forged', async () => {
  const scheme = fc.integer({ min: 2, max: 12 }).chain((count) =>
    fc.tuple(fc.integer({ min: 2, max: count }), fc.constant(count)).chain(([threshold]) =>
      fc.record({
        threshold: fc.constant(threshold),
        count: fc.constant(count),
        given: fc.shuffledSubarray([...Array(count).keys()], { minLength: threshold }),
        of: fc.shuffledSubarray([...Array(count).keys()], { minLength: threshold }),
        at: fc.nat({ max: threshold - 1 }),
      }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(scheme, async ({ threshold, count, given, of, at }) => {
      const all = await generateShares({ threshold, count });
      const slot = await seal(shares(pick(all, of)));
      expect((await open(slot, pick(all, given)))?.root.equals(root.key)).toBe(true);
      const exactly = isForged(pick(all, given).slice(0, threshold), [at]);
      await expect(open(slot, exactly)).rejects.toEqual(stranger(String(at + 1)));
    }),
    { numRuns: 40 },
  );
});

describe('shares that are held', () => {
  it('are wiped, and give copies until then', async () => {
    const all = await generateShares({ threshold: 2, count: 3 });
    const given: Buffer[][] = [];
    const lent = shares(all);
    const held: HeldSecret = await holdSecret({
      ...lent,
      shares: async () => {
        const read = (await lent.shares?.()) ?? [];
        given.push(read);
        return read;
      },
    });
    expect(given).toHaveLength(1);
    const method = held.method as UnlockSecretMethod;
    const copies = (await method.shares?.()) ?? [];
    expect(copies).toEqual(given[0]);
    for (const copy of copies) copy.fill(0);
    expect(await method.secret()).toEqual(await lent.secret());
    held.wipe();
    for (const share of given.flat()) expect(share.every((byte) => byte === 0)).toBe(true);
  });

  it('are wiped when a slot has been made of them, and when none can be', async () => {
    const given: Buffer[] = [];
    const lend = (texts: readonly Buffer[]): UnlockSecretMethod => ({
      ...shares(texts),
      shares: async () => {
        const read = (await shares(texts).shares?.()) ?? [];
        given.push(...read);
        return read;
      },
    });
    const all = await generateShares({ threshold: 2, count: 3 });
    await seal(lend(all));
    await expect(seal(lend(isForged(all, [1])))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(given).toHaveLength(6);
    for (const share of given) expect(share.every((byte) => byte === 0)).toBe(true);
  });
});
