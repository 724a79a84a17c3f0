import { objectName } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { memoryAnchor } from '../../../support/anchors.ts';
import { categoryIds, furnished, recordsOf } from '../../../support/furnished.ts';
import type { Club, Person } from '../../../support/members.ts';
import { failure, openAt } from '../../../support/stores.ts';
import type { Loot } from '../../../support/thief.ts';
import { fake, headOf, loot, openedBoxes, openedBy } from '../../../support/thief.ts';

interface Revoked extends Club {
  readonly ann: Person;
  /** All bytes from before, and what ann has of them. */
  readonly before: Map<string, Buffer>;
  readonly spoils: Loot;
}

async function revoked(): Promise<Revoked> {
  const all = await furnished();
  const before = await all.attacker.copy();
  const spoils = await loot(before, all.ann.unlock);
  const report = await all.owner.members.revoke('ann');
  expect(report).toMatchObject({ failed: 0 });
  await all.owner.store('red/small', 'after');
  await all.owner.store('red/new', 'after');
  return { ...all, before, spoils };
}

describe('after a revocation', () => {
  // T-MEMBER-05
  it('nothing that was written or re-wrapped opens by all that the member knew, but the names', async () => {
    const { attacker, before, spoils, owner } = await revoked();
    const bodies = await attacker.copy();
    const changed = new Map([...bodies].filter(([name, body]) => before.get(name)?.equals(body) !== true));
    expect([...changed.keys()].filter((name) => name.startsWith('o/')).length).toBeGreaterThan(2);
    expect(openedBy(changed, spoils)).toEqual([]);
    // Of what was there before, records are among what has changed.
    const left = openedBy(bodies, spoils);
    expect(left.filter((name) => /^[oh]\//.test(name))).toEqual([]);
    expect(left).toContain(headOf(bodies).references.categoryMap?.name);
    expect(await openedBoxes(bodies, spoils)).toBe(0);
    expect((await owner.retrieve('red/large')).data).toHaveLength(200_000);
  });

  // T-MEMBER-05
  it('what the member forges under the keys of before is refused, and replaced by writers', async () => {
    const all = await revoked();
    const { attacker, owner, spoils, before, clock } = all;
    const ids = await categoryIds(all);
    for (const key of ['red/small', 'red/none']) {
      const { token, record } = fake(before, spoils, key, { category: ids.red, under: ids.red });
      await attacker.put(objectName(token), record);
    }
    clock.advance(5001);
    for (const key of ['red/small', 'red/none']) {
      await failure(owner.retrieve(key), 'INTEGRITY');
      await owner.store(key, 'restored');
      expect((await owner.retrieve(key)).text()).toBe('restored');
    }
  });

  // T-MEMBER-06
  it('older records put back are refused', async () => {
    const { attacker, owner, before, clock } = await revoked();
    const old = [...before].filter(([name]) => name.startsWith('o/'));
    for (const [name, body] of old) await attacker.put(name, body);
    clock.advance(5001);
    for (const key of ['red/small', 'red/large']) await failure(owner.retrieve(key), 'INTEGRITY');
    // Those of categories that the member never had are as they were.
    expect((await owner.retrieve('blue/small')).text()).toBe('second of blue');
  });

  // T-MEMBER-06
  it('the head and the grants of before, put back, are a rollback to whoever has seen newer ones', async () => {
    const { attacker, owner, before, clock, place, ann, enter } = await revoked();
    const anchor = memoryAnchor();
    await (await openAt(place, { clock, anchor })).close();
    const bob = await openAt(place, { clock });
    await attacker.restore(before);
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
    clock.advance(5001);
    for (const store of [owner, bob]) await failure(store.retrieve('blue/small'), 'ROLLBACK');
    // Who has seen nothing newer can't tell a whole old copy from the store: the member has kept it anyway.
    expect((await (await enter(ann)).retrieve('red/small')).text()).toBe('second of red');
  });

  // T-MEMBER-06
  it('the grants of before, put back alone, are named by no head', async () => {
    const { attacker, before, ann, enter, owner } = await revoked();
    const name = headOf(before).references.grants?.name ?? '';
    await attacker.put(name, before.get(name) ?? Buffer.alloc(0));
    await failure(enter(ann), 'UNLOCK_FAILED');
    // The next change of keys removes them.
    await owner.members.revoke('bob');
    expect(await attacker.names('p/')).not.toContain(name);
  });

  // T-MEMBER-11
  it('what the member has copied before still opens to them', async () => {
    const { before, spoils, ...all } = await revoked();
    const ids = await categoryIds(all);
    expect(
      openedBy(before, spoils)
        .filter((name) => name.startsWith('o/'))
        .toSorted(),
    ).toEqual(
      recordsOf(before, ids.red)
        .filter((name) => name.startsWith('o/'))
        .toSorted(),
    );
  });
});

describe('keys that are to be destroyed', () => {
  // T-MEMBER-09
  it('are in no grant from the moment that they are scheduled, and come back when that is undone', async () => {
    const { attacker, ann, owner, enter, clock } = await furnished();
    const member = await enter(ann);
    await owner.encryptionKeys.destroy('red');
    const bodies = await attacker.copy();
    const { granted } = await loot(bodies, ann.unlock);
    const red = granted.groups.find(({ kind }) => kind === 'category');
    expect(red?.versions.map(({ key }) => Buffer.from(key).toString('hex'))).toEqual(['00'.repeat(32)]);
    const spoils = await loot(bodies, ann.unlock);
    expect(openedBy(bodies, spoils).filter((name) => /^[oh]\//.test(name))).toEqual([]);
    await failure(member.retrieve('red/small'), 'KEY_DESTROYED');
    await owner.encryptionKeys.undo('red');
    clock.advance(5001);
    expect((await member.retrieve('red/small')).text()).toBe('second of red');
  });

  // T-MEMBER-09
  it('open nothing any more, by all files that there are and all identities, once they are destroyed', async () => {
    const { attacker, ann, owner } = await furnished();
    const old = headOf(await attacker.copy()).references.grants?.name ?? '';
    await owner.encryptionKeys.destroy('red', { waitingPeriod: 0 });
    const bodies = await attacker.copy();
    expect(bodies.has(old)).toBe(false);
    const spoils = await loot(bodies, ann.unlock);
    expect(openedBy(bodies, spoils).filter((name) => /^[oh]\//.test(name))).toEqual([]);
    expect(await openedBoxes(bodies, spoils)).toBe(1);
  });
});
