import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { Anchor, AnchorRecord } from '../../src/index.ts';
import { openOrCreateObjectStore } from '../../src/index.ts';
import type { Attacker } from '../support/attacker.ts';
import { attack, flipped } from '../support/attacker.ts';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { headAt, reviseHead } from '../support/heads.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';

const nothing = (): void => undefined;
const failing = async (): Promise<never> => {
  throw new Error('no disk');
};

function memoryAnchor(): Anchor & { readonly records: Map<string, AnchorRecord> } {
  const records = new Map<string, AnchorRecord>();
  return {
    records,
    read: async (url) => records.get(url),
    write: async (url, record) => void records.set(url, record),
  };
}

async function prepared(anchor?: Anchor): Promise<{ place: Place; attacker: Attacker; fingerprint: string }> {
  const place = usePlace(memoryPlace);
  const store = await createAt(place, { anchor, categories: { secrets: ['secret/**'] } });
  await store.store('secret/k', 'payload');
  await store.close();
  return { place, attacker: await attack(place), fingerprint: store.fingerprint };
}

describe.each([
  ['head', 'store'],
  ['keyring', 'k/'],
  ['category map', 'p/'],
])('the %s', (what, prefix) => {
  // T-BACKEND-05
  it('with any byte changed is refused', async () => {
    const { place, attacker } = await prepared();
    const name = await attacker.name(prefix);
    const body = await attacker.get(name);
    for (let at = 0; at < body.length; at++) {
      await attacker.put(name, flipped(body, at));
      const error: unknown = await openAt(place).catch((reason: unknown) => reason);
      expect(error, `byte ${at}`).toMatchObject({
        code: expect.stringMatching(/^(INTEGRITY|FORMAT_VERSION)$/),
        retryable: false,
      });
      expect((error as Error).message).toContain(what);
    }
    await attacker.put(name, body);
    expect((await (await openAt(place)).retrieve('secret/k')).text()).toBe('payload');
  });

  // T-BACKEND-05
  it('cut, extended, emptied or removed is refused, and never made anew', async () => {
    const { place, attacker } = await prepared();
    const name = await attacker.name(prefix);
    const body = await attacker.get(name);
    for (const changed of [
      Buffer.alloc(0),
      body.subarray(0, 1),
      body.subarray(0, -1),
      body.subarray(0, 70),
      Buffer.concat([body, Buffer.alloc(1)]),
      Buffer.alloc(70_000),
    ]) {
      await attacker.put(name, changed);
      await failure(openAt(place), 'INTEGRITY');
    }
    await attacker.remove(name);
    const before = await attacker.copy();
    await failure(openAt(place), 'INTEGRITY');
    await failure(
      openOrCreateObjectStore({ backend: await place.open(), url: place.url, unlock: UNLOCK }),
      'INTEGRITY',
    );
    if (prefix === 'store') await failure(createAt(place), 'INTEGRITY');
    else await failure(createAt(place), 'ALREADY_EXISTS');
    expect(await attacker.copy()).toEqual(before);
  });

  it('of another store in its place is refused', async () => {
    const { place, attacker } = await prepared();
    const other = await prepared();
    const body = await other.attacker.get(await other.attacker.name(prefix));
    await attacker.put(await attacker.name(prefix), body);
    await failure(openAt(place), 'INTEGRITY');
  });
});

describe('another store in the place of the right one', () => {
  // T-BACKEND-07
  it('does not open by a secret that it does not know', async () => {
    const { place, attacker } = await prepared();
    const forged = usePlace(memoryPlace);
    await createAt(forged, { unlock: rawKey(Buffer.alloc(32, 8)) });
    await attacker.restore(await (await attack(forged)).copy());
    await failure(openAt(place), 'UNLOCK_FAILED');
  });

  // T-BACKEND-13
  it('made with the same secret is refused by a pinned fingerprint', async () => {
    const { place, attacker, fingerprint } = await prepared();
    const other = await prepared();
    await attacker.restore(await other.attacker.copy());
    const error = await failure(openAt(place, { fingerprint }), 'INTEGRITY');
    expect(error.message).toContain(fingerprint);
    await openAt(place, { fingerprint: other.fingerprint });
  });

  // T-BACKEND-12
  it('made with the same secret is refused by an anchor until it is accepted', async () => {
    const anchor = memoryAnchor();
    const { place, attacker } = await prepared(anchor);
    const other = await prepared();
    await attacker.restore(await other.attacker.copy());
    await failure(openAt(place, { anchor }), 'ROLLBACK');
    await openAt(place, { anchor, acceptRollback: true });
    await openAt(place, { anchor });
  });
});

describe('everything rolled back', () => {
  // T-BACKEND-12, T-COPY-01
  it('is refused where an anchor remembers a newer head', async () => {
    const anchor = memoryAnchor();
    const { place, attacker } = await prepared(anchor);
    const old = await attacker.copy();
    await reviseHead(place, (head) => ({ ...head, generation: head.generation + 1 }));
    await (await openAt(place, { anchor })).close();
    await attacker.restore(old);
    await failure(openAt(place, { anchor }), 'ROLLBACK');
    await (await openAt(place, { anchor, acceptRollback: true })).close();
    await openAt(place, { anchor });
  });

  // T-BACKEND-17
  it('is not noticed without an anchor, as is documented', async () => {
    const { place, attacker } = await prepared();
    const old = await attacker.copy();
    await reviseHead(place, (head) => ({ ...head, generation: head.generation + 1 }));
    await attacker.restore(old);
    expect((await (await openAt(place)).retrieve('secret/k')).text()).toBe('payload');
  });

  // T-BACKEND-12
  it('to nothing is refused where an anchor remembers a store', async () => {
    const anchor = memoryAnchor();
    const { place, attacker } = await prepared(anchor);
    await attacker.restore(new Map());
    await failure(openAt(place, { anchor }), 'ROLLBACK');
    const create = async (): Promise<unknown> =>
      openOrCreateObjectStore({ backend: await place.open(), url: place.url, unlock: UNLOCK, anchor });
    await failure(create(), 'ROLLBACK');
    await failure(createAt(place, { anchor }), 'ROLLBACK');
    expect(await attacker.names()).toEqual([]);
    await createAt(place, { anchor, acceptRollback: true });
  });

  it('to a copy that follows from the anchored one is accepted', async () => {
    const anchor = memoryAnchor();
    const { place } = await prepared(anchor);
    const record = anchor.records.get(place.url);
    if (record === undefined) throw new Error('no anchor');
    const before = await headAt(await place.open());
    for (const [parentGeneration, accepted] of [
      [before.generation - 1, false],
      [before.generation, true],
    ] as const) {
      anchor.records.set(place.url, { ...record, instance: 'ab'.repeat(16), generation: before.generation });
      await reviseHead(place, (head) => ({
        ...head,
        parent: { instance: Buffer.alloc(16, 0xab), generation: parentGeneration },
      }));
      if (accepted) await openAt(place, { anchor });
      else await failure(openAt(place, { anchor }), 'ROLLBACK');
    }
  });
});

describe('an anchor', () => {
  it('that can not be read keeps the store closed; one that can not be written is reported', async () => {
    const { place } = await prepared();
    const warnings: unknown[] = [];
    const logger = {
      debug: nothing,
      info: nothing,
      error: nothing,
      warn: (fields: object) => void warnings.push(fields),
    };
    const unreadable = { read: failing, write: failing };
    await expect(openAt(place, { anchor: unreadable, logger })).rejects.toThrow();
    const unwritable = { read: async () => undefined, write: failing };
    const store = await openAt(place, { anchor: unwritable, logger });
    expect((await store.retrieve('secret/k')).text()).toBe('payload');
    expect(warnings).toHaveLength(1);
  });

  it('never goes back where two processes close in the other order', async () => {
    const anchor = memoryAnchor();
    const { place } = await prepared(anchor);
    const raise = (generation: number): Promise<void> => reviseHead(place, (head) => ({ ...head, generation }));
    const clock = new FakeClock();
    clock.wall = Date.now();
    const slow = await openAt(place, { anchor, clock });
    await raise(2);
    clock.advance(5000);
    await slow.list();
    await raise(3);
    await (await openAt(place, { anchor })).close();
    await slow.close();
    expect(anchor.records.get(place.url)?.generation).toBe(3);
  });
});
