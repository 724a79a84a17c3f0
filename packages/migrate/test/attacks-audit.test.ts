import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS, auditName, auditPrefix } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import type { Attacker } from '../../objects/test/support/attacker.ts';
import { attack, flipped } from '../../objects/test/support/attacker.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace, withoutBatch } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../objects/test/support/stores.ts';
import { contentsOf, move } from './support/moves.ts';

const SEGMENT = auditPrefix(Date.UTC(2026, 0, 1), Buffer.alloc(16, 3));
const part = (number: number): string => auditName(SEGMENT, number);

/** Writes a part of the audit log, as a process does that has the store open. */
async function writePart(store: ObjectStore, number: number): Promise<void> {
  const { audit } = extensionsOf(store);
  await audit.write(part(number), audit.seal(part(number), Buffer.from(`entry ${number}`)));
}

/** A store with two parts of its audit log, and a place to move it to. */
async function unmoved() {
  const clock = new EagerClock();
  const memory = () => usePlace(() => memoryPlace(() => clock.now()));
  const [from, to] = [memory(), memory()];
  const store = await createAt(from, { clock });
  await extensionsOf(store).audit.enable({ auditor: Buffer.alloc(32, 9), mode: 'batched' });
  for (const number of [0, 1]) await writePart(store, number);
  return { clock, from, to, store, log: (number: number) => writePart(store, number) };
}

/** One that has moved, and had a third part written since. */
async function moved() {
  const { clock, from, to, store: before } = await unmoved();
  await before.close();
  await move(from, to, { clock });
  const store = await openAt(to, { clock });
  await writePart(store, 2);
  return { clock, from, to, store, atFrom: await attack(from), atTo: await attack(to) };
}

const damage = async (attacker: Attacker, name: string): Promise<void> =>
  attacker.put(name, flipped(await attacker.get(name), 60));

describe('where a store was, the audit log', () => {
  // T-MIGRATE-10
  it.each([
    ['a part of it is damaged', (atFrom: Attacker) => damage(atFrom, part(1))],
    ['a part of it is cut off', (atFrom: Attacker) => atFrom.put(part(1), Buffer.alloc(10))],
    ['another part lies in its place', async (atFrom: Attacker) => atFrom.put(part(1), await atFrom.get(part(0)))],
    [
      'something lies at the name of a part that was written since',
      (atFrom: Attacker) => atFrom.put(part(2), Buffer.alloc(90)),
    ],
  ])('comes back whole though %s', async (_, attacked) => {
    const { clock, from, to, atFrom } = await moved();
    await attacked(atFrom);
    expect(await move(to, from, { clock })).toMatchObject({ migrated: true, failures: 0 });
    expect(await contentsOf(from)).toEqual(await contentsOf(to));
    const back = await openAt(from, { clock });
    expect((await extensionsOf(back).audit.read(part(1)))?.toString()).toBe('entry 1');
    expect((await extensionsOf(back).audit.read(part(2)))?.toString()).toBe('entry 2');
  });

  // T-MIGRATE-10
  it('has nothing of it replaced by what was damaged where the store is', async () => {
    const { clock, from, to, atTo } = await moved();
    await damage(atTo, part(1));
    expect(await move(to, from, { clock })).toMatchObject({ migrated: true });
    const back = await openAt(from, { clock });
    expect((await extensionsOf(back).audit.read(part(1)))?.toString()).toBe('entry 1');
  });
});

describe('where a store moves to, the audit log', () => {
  // T-MIGRATE-10
  it('is brought again where it was damaged while the move was interrupted', async () => {
    const { clock, from, to } = await unmoved();
    await move(from, to, { clock, copyOnly: true });
    const atTo = await attack(to);
    await damage(atTo, part(0));
    await atTo.remove(part(1));
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0 });
    expect(await atTo.names(AREAS.audit)).toHaveLength(2);
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
  });

  // T-MIGRATE-10
  it('is missed before the store moves, where what was written is not kept', async () => {
    const { clock, from, to, store, log } = await unmoved();
    for (let number = 2; number < 6; number++) {
      clock.advance(1000);
      await log(number);
    }
    const forgetful: Layer = (inner) =>
      withoutBatch(
        forwardTo(inner, {
          write: async (name, body, options) =>
            name === part(3) ? { etag: 'kept' } : inner.write(name, body, options),
        }),
      );
    await failure(move(from, to, { clock, toLayers: [forgetful] }), 'INTEGRITY');
    expect((await extensionsOf(store).audit.read(part(3)))?.toString()).toBe('entry 3');
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true });
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
  });
});
