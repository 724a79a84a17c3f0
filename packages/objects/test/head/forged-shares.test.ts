import type { Head } from '@securestore/core-format';
import { decodeHead, encodeHead, HEAD_NAME, joinHead } from '@securestore/core-format';
import { generateShares, rawKey, shares } from '@securestore/crypto';
// Whoever forges a share makes its digits of check right.
import { printed, readPrinted } from '../../../crypto/src/unlock/printed.ts';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { headAt, reviseHead } from '../support/heads.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';

const SCHEME = { threshold: 3, count: 5 } as const;

interface Scene {
  readonly place: Place;
  readonly store: ObjectStore;
  readonly made: readonly Buffer[];
  readonly clock: EagerClock;
}

/** A store that opens by three of five shares, and by the usual key. */
async function scene(): Promise<Scene> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.store('k', 'v');
  const made = await generateShares(SCHEME);
  await store.slots.add(shares(made));
  return { place, store, made, clock };
}

/** Another y. */
function forged(share: Buffer | undefined): Buffer {
  const bytes = readPrinted('share', share ?? Buffer.alloc(0), 39);
  bytes.writeUInt8(bytes.readUInt8(37) ^ 0x80, 37);
  return printed('share', bytes);
}

const isForged = (given: readonly Buffer[], ...at: number[]): Buffer[] =>
  given.map((share, index) => (at.includes(index) ? forged(share) : share));

async function opens({ place, clock }: Scene, given: readonly Buffer[]): Promise<void> {
  const opened = await openAt(place, { clock, unlock: shares(given) });
  expect((await opened.retrieve('k')).text()).toBe('v');
  await opened.close();
}

const stranger = (number: number): string =>
  `share ${number} of those given is not one of this store: it was made up, changed or belongs to another set`;

const refusedFor = async (
  { place, clock }: Scene,
  given: readonly Buffer[],
  code = 'UNLOCK_FAILED' as const,
): Promise<string> => (await failure(openAt(place, { clock, unlock: shares(given) }), code)).message;

/** A head whose share tags are changed, one generation later. */
function plant(tags: (tags: Buffer) => Uint8Array): (head: Head) => Head {
  const planted = (slot: Head['slots'][number]): Head['slots'][number] => {
    if ('raw' in slot || slot.method.type !== 'shares') return slot;
    return { ...slot, method: { ...slot.method, tags: tags(Buffer.from(slot.method.tags)) } };
  };
  return (head) => ({ ...head, generation: head.generation + 1, slots: head.slots.map(planted) });
}

async function tagsOf(place: Place): Promise<string[]> {
  const { slots } = await headAt(await place.open());
  return slots.flatMap(({ method }) => (method.type === 'shares' ? [Buffer.from(method.tags).toString('hex')] : []));
}

describe('a store with 3 of 5 shares', () => {
  it('is opened by every three of them, and by no two', async () => {
    const at = await scene();
    const counts = { opened: 0, refused: 0 };
    for (const [a, first] of at.made.entries()) {
      for (const [b, second] of at.made.entries()) {
        if (b <= a) continue;
        const pair = await failure(
          openAt(at.place, { clock: at.clock, unlock: shares([first, second]) }),
          'INVALID_ARGUMENT',
        );
        expect(pair.message).toContain('3 of the 5 shares are needed, got 2');
        counts.refused++;
        for (const third of at.made.slice(b + 1)) {
          await opens(at, [first, second, third]);
          counts.opened++;
        }
      }
    }
    expect(counts).toEqual({ opened: 10, refused: 10 });
  });

  it('a share with one wrong character is named', async () => {
    const at = await scene();
    for (const index of [0, 1, 2]) {
      const given = at.made.slice(0, 3).map((share, place) => {
        const text = share.toString('latin1');
        if (place !== index) return text;
        return `${text.slice(0, 21)}${text[21] === '7' ? '8' : '7'}${text.slice(22)}`;
      });
      const refusal = await failure(openAt(at.place, { clock: at.clock, unlock: shares(given) }), 'INVALID_ARGUMENT');
      expect(refusal.message).toContain(`share ${index + 1} of those given: the share was mistyped`);
    }
  });

  it('a forged share is named', async () => {
    const at = await scene();
    for (const index of [0, 1, 2]) {
      expect(await refusedFor(at, isForged(at.made.slice(0, 3), index))).toContain(stranger(index + 1));
      expect(await refusedFor(at, isForged(at.made.slice(2), index))).toContain(stranger(index + 1));
    }
    const two = await refusedFor(at, isForged(at.made.slice(1), 1, 3));
    expect(two).toContain('shares 2 and 4 of those given are not of this store');
  });

  it('is opened where enough of those given are right, whichever is forged', async () => {
    const at = await scene();
    for (const index of [0, 1, 2, 3]) await opens(at, isForged(at.made.slice(1), index));
    await opens(at, isForged(at.made, 0, 1));
    await opens(at, isForged(at.made, 1, 3));
  });

  it('says nothing of single shares where none is of this store', async () => {
    const at = await scene();
    const message = await refusedFor(at, await generateShares(SCHEME));
    expect(message).toContain('the secret of the shares does not unlock the store');
  });

  it('is not opened where tags were changed, whoever signed them', async () => {
    const at = await scene();
    const attacker = await attack(at.place);
    const { head, signature } = decodeHead(await attacker.get(HEAD_NAME));
    const changed = { ...plant((tags) => tags.fill(0, 0, 8))(head), generation: head.generation };
    const whole = await attacker.get(HEAD_NAME);
    await attacker.put(HEAD_NAME, joinHead(encodeHead(changed), signature));
    await failure(openAt(at.place, { clock: at.clock, unlock: shares(at.made) }), 'INTEGRITY');
    await attacker.put(HEAD_NAME, whole);
    // By somebody who has another secret of the store. A right share is blamed, which keeps the store closed and no more.
    await reviseHead(
      at.place,
      plant((tags) => tags.fill(0, 0, 8)),
    );
    expect(await refusedFor(at, at.made.slice(0, 3))).toContain(stranger(1));
    expect(await refusedFor(at, at.made)).toContain('the secret of the shares does not unlock the store');
    await reviseHead(
      at.place,
      plant((tags) => tags.fill(0)),
    );
    expect(await refusedFor(at, at.made)).toContain('the secret of the shares does not unlock the store');
    await (await openAt(at.place, { clock: at.clock })).close();
  });
});

describe('a store with two sets of shares', () => {
  it('is opened by each, and names what is forged of either', async () => {
    const at = await scene();
    const others = await generateShares(SCHEME);
    await at.store.slots.add(shares(others.slice(2)));
    for (const made of [at.made, others]) {
      await opens(at, made.slice(1, 4));
      await opens(at, isForged(made, 0, 4));
      expect(await refusedFor(at, isForged(made.slice(0, 3), 2))).toContain(stranger(3));
    }
    const mixed = [...at.made.slice(0, 2), ...others.slice(2, 3)];
    const refusal = await failure(openAt(at.place, { clock: at.clock, unlock: shares(mixed) }), 'INVALID_ARGUMENT');
    expect(refusal.message).toContain('share 3 of those given is of another set than the first one');
  });
});

describe('a slot of shares', () => {
  it('is not added for shares that contradict each other', async () => {
    const at = await scene();
    const others = await generateShares(SCHEME);
    for (const index of [0, 1, 2, 3]) {
      const adding = at.store.slots.add(shares(isForged(others.slice(1), index)));
      expect((await failure(adding, 'INVALID_ARGUMENT')).message).toContain('the shares given contradict each other');
    }
    const place = usePlace(() => memoryPlace());
    await failure(createAt(place, { unlock: shares(isForged(others, 2)) }), 'INVALID_ARGUMENT');
    await at.store.slots.add(shares(others));
    await opens(at, others);
  });

  it('is not added twice, and not for a forged share of a set that opens the store', async () => {
    const at = await scene();
    await failure(at.store.slots.add(shares(at.made.slice(2))), 'ALREADY_EXISTS');
    await failure(at.store.slots.add(shares(isForged(at.made, 1))), 'ALREADY_EXISTS');
    const refusal = await failure(at.store.slots.add(shares(isForged(at.made.slice(0, 3), 1))), 'UNLOCK_FAILED');
    expect(refusal.message).toContain(stranger(2));
    expect(await at.store.slots.list()).toHaveLength(2);
  });

  it('tells the backend tags that are new for each slot', async () => {
    const at = await scene();
    const other = usePlace(() => memoryPlace());
    await createAt(other, { unlock: shares(at.made) });
    const [[first], [second]] = [await tagsOf(at.place), await tagsOf(other)];
    expect(first).toHaveLength(5 * 16);
    for (let tag = 0; tag < 5; tag++) expect(second).not.toContain(first?.slice(tag * 16, tag * 16 + 16));
  });
});

describe('a rotation', () => {
  it('names a forged share of the old secret, and changes nothing', async () => {
    const at = await scene();
    const before = await headAt(await at.place.open());
    const rotating = at.store.rotateEncryptionKey(
      shares(isForged(at.made.slice(0, 3), 2)),
      rawKey(Buffer.alloc(32, 4)),
    );
    const { message } = await failure(rotating, 'UNLOCK_FAILED');
    expect(message).toContain(stranger(3));
    expect(message).toContain('Nothing was changed');
    expect(await headAt(await at.place.open())).toEqual(before);
  });

  it('names a forged share of the new secret, where the store has its set', async () => {
    const at = await scene();
    const rotating = at.store.rotateEncryptionKey(UNLOCK, shares(isForged(at.made.slice(0, 3), 0)), {
      depth: 'unlock',
    });
    expect((await failure(rotating, 'UNLOCK_FAILED')).message).toContain(stranger(1));
    const others = await generateShares(SCHEME);
    const contradicting = at.store.rotateEncryptionKey(UNLOCK, shares(isForged(others, 0)), { depth: 'unlock' });
    await failure(contradicting, 'INVALID_ARGUMENT');
    await (await openAt(at.place, { clock: at.clock })).close();
  });

  it('keeps the slot where other shares of its set are the new secret, and where one of more than enough is forged', async () => {
    const at = await scene();
    for (const [old, next] of [
      [at.made.slice(0, 3), at.made.slice(2)],
      [isForged(at.made, 0), isForged(at.made, 3, 4)],
    ] as const) {
      await at.store.rotateEncryptionKey(shares(old), shares(next), { depth: 'unlock' });
      expect((await at.store.slots.list()).map(({ method }) => method)).toEqual(['rawKey', 'shares']);
      await opens(at, at.made.slice(1, 4));
    }
    await at.store.rotateEncryptionKey(shares(isForged(at.made, 2)), rawKey(Buffer.alloc(32, 4)), { depth: 'unlock' });
    expect((await at.store.slots.list()).map(({ method }) => method)).toEqual(['rawKey', 'rawKey']);
    expect(await refusedFor(at, at.made)).toContain('the store has no slot for a set of shares');
  });

  it('puts shares in the place of shares, for a process that opened the store by them', async () => {
    const at = await scene();
    const opened = await openAt(at.place, { clock: at.clock, unlock: shares(isForged(at.made, 1)) });
    const others = await generateShares(SCHEME);
    await opened.rotateEncryptionKey(shares(at.made), shares(others.slice(1)), { depth: 'unlock' });
    expect((await opened.retrieve('k')).text()).toBe('v');
    await opens(at, others.slice(0, 3));
    expect(await refusedFor(at, isForged(others.slice(0, 3), 1))).toContain(stranger(2));
    expect(await refusedFor(at, at.made)).toContain('the secret of the shares does not unlock the store');
  });
});
