import { createHash } from 'node:crypto';
import {
  AREAS,
  decodeGrants,
  encodeGrants,
  encodeHead,
  HEAD_NAME,
  joinHead,
  objectName,
  splitRecord,
} from '@securestore/core-format';
import { identityPrivateKey, identityPublicKey, rawKey, sealGrant, signAs } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { HEAD_USE, loadState, readKeyring } from '../../src/state.ts';
import { unlockRoot } from '../../src/unlock.ts';
import { memoryAnchor } from '../support/anchors.ts';
import { headAt } from '../support/heads.ts';
import { impostorOf } from '../support/impostor.ts';
import type { Club, Person } from '../support/members.ts';
import { club, person } from '../support/members.ts';
import { createAt, failure, openAt, patterned, UNLOCK } from '../support/stores.ts';
import type { Bodies, Loot } from '../support/thief.ts';
import { fake, headOf, loot, openedBoxes, openedBy } from '../support/thief.ts';

const RED = { categories: ['red'] };

/** A store with something of everything. */
async function furnished(): Promise<Club & { readonly ann: Person }> {
  const all = await club({ journal: true });
  const { owner, join } = all;
  for (const folder of ['red', 'blue', 'other']) {
    await owner.store(`${folder}/small`, `first of ${folder}`);
    await owner.store(`${folder}/small`, `second of ${folder}`);
    await owner.store(`${folder}/large`, patterned(200_000));
    await owner.store(`${folder}/gone`, 'x');
    await owner.delete(`${folder}/gone`);
  }
  await owner.policyObject.change('access.change', () => Buffer.from('the policy'));
  const ann = await join('ann', RED);
  await join('bob', { categories: ['blue', 'default'] });
  await owner.checkpoint();
  return { ...all, ann };
}

/** The ids of the categories, as a member reads them. */
async function categoryIds({ owner, attacker, place }: Club): Promise<Record<'red' | 'blue', Uint8Array>> {
  const backend = await place.open();
  const head = headOf(await attacker.copy());
  const { categories } = await loadState(backend, head, await unlockRoot(head, UNLOCK));
  expect(owner).toBeDefined();
  const idOf = (name: string): Uint8Array => categories.find(name) ?? expect.fail(`no category ${name}`);
  return { red: idOf('red'), blue: idOf('blue') };
}

/** Those names that are of records of a category. */
function recordsOf(bodies: Bodies, category: Uint8Array): string[] {
  return [...bodies.keys()].filter((name) => {
    const body = bodies.get(name) ?? Buffer.alloc(0);
    return /^[oh]\//.test(name) && Buffer.compare(splitRecord(body).header.categoryId, category) === 0;
  });
}

const OWN_AREAS = [AREAS.journal, AREAS.work, AREAS.markers, AREAS.checkpoints];

describe('with all bytes of the store and the primitives alone, a member', () => {
  it('opens the records of what was granted, the category map and what the journal key seals, and nothing else', async () => {
    const all = await furnished();
    const { attacker, ann } = all;
    const ids = await categoryIds(all);
    const bodies = await attacker.copy();
    const { references } = headOf(bodies);
    const ours = [...bodies.keys()].filter((name) => OWN_AREAS.some((area) => name.startsWith(area)));
    expect(ours.length).toBeGreaterThan(3);
    const red = recordsOf(bodies, ids.red);
    expect(red.length).toBeGreaterThan(4);
    const expected = [...red, ...ours, references.categoryMap?.name];
    const spoils = await loot(bodies, ann.unlock);
    expect(openedBy(bodies, spoils).toSorted()).toEqual(expected.toSorted());
    expect(await openedBoxes(bodies, spoils)).toBe(1);
  });

  it('has no key of the root, the identity, other members and other categories', async () => {
    const { attacker, place, ann } = await furnished();
    const bodies = await attacker.copy();
    const { granted } = await loot(bodies, ann.unlock);
    const head = await headAt(await place.open());
    const unlocked = await unlockRoot(head, UNLOCK);
    const keyring = await readKeyring(await place.open(), head, unlocked.root);
    expect(granted.groups.map(({ kind }) => kind).toSorted()).toEqual(['category', 'journal']);
    const own = new Set(granted.groups.map(({ id }) => Buffer.from(id).toString('hex')));
    const others = keyring.groups.filter(({ id }) => !own.has(Buffer.from(id).toString('hex')));
    expect(others).toHaveLength(2);
    const secrets = [
      keyring.identitySeed,
      unlocked.root.export(),
      ...others.flatMap(({ digestKey, versions }) => [digestKey, ...versions.map(({ key }) => key)]),
    ].map((secret) => Buffer.from(secret).toString('hex'));
    const known = JSON.stringify(granted, (_, value: unknown) =>
      value instanceof Uint8Array || (value as { type?: unknown } | null)?.type === 'Buffer'
        ? Buffer.from(value as Uint8Array).toString('hex')
        : value,
    );
    // The control: what was granted is in there.
    expect(known).toContain(Buffer.from(keyring.nameKey).toString('hex'));
    for (const secret of secrets) expect(known).not.toContain(secret);
  });

  it('can read and forge in a granted category, and reads the names of all objects', async () => {
    const all = await furnished();
    const { attacker, ann, owner, clock } = all;
    const ids = await categoryIds(all);
    const bodies = await attacker.copy();
    const spoils = await loot(bodies, ann.unlock);
    const { token, record } = fake(bodies, spoils, 'red/small', { category: ids.red, under: ids.red });
    await attacker.put(objectName(token), record);
    clock.advance(5001);
    expect((await owner.retrieve('red/small')).text()).toBe('forged');
    const elsewhere = fake(bodies, spoils, 'blue/small', { category: ids.blue, under: ids.red });
    expect(bodies.has(objectName(elsewhere.token))).toBe(true);
  });
});

describe('a forged record', () => {
  async function refusedAt(
    key: string,
    forge: (ids: Record<'red' | 'blue', Uint8Array>, spoils: Loot) => Parameters<typeof fake>[3],
  ): Promise<void> {
    const all = await furnished();
    const { attacker, ann, owner, enter, clock } = all;
    const ids = await categoryIds(all);
    const bodies = await attacker.copy();
    const spoils = await loot(bodies, ann.unlock);
    const { token, record } = fake(bodies, spoils, key, forge(ids, spoils));
    await attacker.put(objectName(token), record);
    clock.advance(5001);
    await failure(owner.retrieve(key), 'INTEGRITY');
    if (key.startsWith('red')) await failure((await enter(ann)).retrieve(key), 'INTEGRITY');
  }

  it.each(['blue/small', 'blue/none'])(
    'of another category, sealed under a granted key, is refused at %s',
    async (key) => {
      await refusedAt(key, ({ red, blue }) => ({ category: blue, under: red }));
    },
  );

  it.each(['blue/small', 'blue/none', 'other/small'])(
    'of a granted category under the name %s is refused',
    async (key) => {
      await refusedAt(key, ({ red }) => ({ category: red, under: red }));
    },
  );

  it('sealed under the journal key is refused', async () => {
    const journal = ({ granted }: Loot): Uint8Array =>
      granted.groups.find(({ kind }) => kind === 'journal')?.id ?? expect.fail('no journal');
    await refusedAt('blue/small', ({ blue }, spoils) => ({ category: blue, under: journal(spoils) }));
    await refusedAt('red/small', ({ red }, spoils) => ({ category: red, under: journal(spoils) }));
  });

  it('of a granted category is refused under another name than its own', async () => {
    const { attacker, ann, owner, clock, ...rest } = await furnished();
    const ids = await categoryIds({ attacker, owner, clock, ...rest });
    const bodies = await attacker.copy();
    const spoils = await loot(bodies, ann.unlock);
    const [one, two] = ['red/small', 'red/large'].map((key) =>
      fake(bodies, spoils, key, { category: ids.red, under: ids.red }),
    );
    await attacker.put(objectName(one?.token ?? ''), two?.record ?? Buffer.alloc(0));
    clock.advance(5001);
    await failure(owner.retrieve('red/small'), 'INTEGRITY');
  });
});

describe('what the head says', () => {
  it('can not be signed by any key that a member has', async () => {
    const { attacker, ann, place, owner, clock, enter } = await furnished();
    const anchor = memoryAnchor();
    await openAt(place, { clock, anchor });
    const bodies = await attacker.copy();
    const { granted, privateKey } = await loot(bodies, ann.unlock);
    const head = headOf(bodies);
    const seeds = [
      privateKey,
      granted.nameKey,
      ...granted.groups.flatMap(({ versions }) => versions.map(({ key }) => key)),
    ];
    for (const seed of seeds) {
      const key = identityPrivateKey(seed);
      // Under the identity of the store, and under one of the forger's own.
      for (const identity of [head.identity, identityPublicKey(key)]) {
        const { grants: _, ...references } = head.references;
        const signed = encodeHead({ ...head, identity, references });
        await attacker.put(HEAD_NAME, joinHead(signed, signAs(key, HEAD_USE, signed)));
        await failure(openAt(place, { clock, fingerprint: owner.fingerprint }), 'INTEGRITY');
        await failure(openAt(place, { clock, anchor }), identity === head.identity ? 'INTEGRITY' : 'ROLLBACK');
        await failure(enter(ann), 'INTEGRITY');
      }
    }
    clock.advance(5001);
    await expect(owner.retrieve('red/small')).rejects.toMatchObject({
      code: expect.stringMatching(/INTEGRITY|ROLLBACK/),
    });
  });

  it('pins grants and category map, which a member can change for nobody', async () => {
    const { attacker, ann, enter, clock, owner } = await furnished();
    const { references, lineage, instance } = headOf(await attacker.copy());
    const name = references.grants?.name ?? '';
    const body = await attacker.get(name);
    const { grants, directory } = decodeGrants(body);
    const { granted } = await loot(await attacker.copy(), ann.unlock);
    // Grants for others, made by whoever has keys to grant.
    const mallory = await person();
    const place = { lineage, instance, generation: 1 };
    const own = await sealGrant(Buffer.alloc(32, 9), place, granted);
    const sorted = [...grants, own].toSorted((a, b) => Buffer.compare(a.publicKey, b.publicKey));
    for (const changed of [
      encodeGrants({ grants: sorted, directory }),
      encodeGrants({ grants: grants.slice(1), directory }),
    ]) {
      await attacker.put(name, changed);
      await failure(enter(ann), 'INTEGRITY');
      await failure(enter(mallory), 'INTEGRITY');
      const { findings } = await owner.verify();
      expect(findings).toContainEqual(expect.objectContaining({ kind: 'damaged', name }));
    }
    await attacker.put(name, body);
    const map = references.categoryMap?.name ?? '';
    await attacker.put(map, Buffer.from('another map'));
    clock.advance(5001);
    await failure(enter(ann), 'INTEGRITY');
    expect(
      createHash('sha256')
        .update(body)
        .digest()
        .equals(Buffer.from(references.grants?.digest ?? '')),
    ).toBe(true);
  });
});

describe('a store of the attacker in the place of the real one', () => {
  it('[I-11] is refused to a member by its fingerprint', async () => {
    const { attacker, place, ann, enter, join, owner, clock } = await furnished();
    expect(join).toBeDefined();
    // A whole store of their own, whose grants are for ann.
    const other = await club();
    await other.owner.store('red/small', 'from elsewhere');
    await other.owner.members.add('ann', ann.recipient, RED);
    await attacker.restore(await other.attacker.copy());
    await failure(enter(ann), 'INTEGRITY');
    // The control: whoever trusts it gets what is in there.
    const fooled = await openAt(place, { unlock: ann.unlock, clock, fingerprint: other.owner.fingerprint });
    expect((await fooled.retrieve('red/small')).text()).toBe('from elsewhere');
    clock.advance(5001);
    await failure(owner.retrieve('red/small'), 'ROLLBACK');
  });

  it('is refused to whoever opens it by a secret of their own', async () => {
    const { attacker, place, clock } = await furnished();
    const anchor = memoryAnchor();
    await (await openAt(place, { clock, anchor })).close();
    await attacker.restore(await impostorOf(place));
    await failure(openAt(place, { clock }), 'UNLOCK_FAILED');
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
  });
});

describe('after a revocation', () => {
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

  it('older records put back are refused', async () => {
    const { attacker, owner, before, clock } = await revoked();
    const old = [...before].filter(([name]) => name.startsWith('o/'));
    for (const [name, body] of old) await attacker.put(name, body);
    clock.advance(5001);
    for (const key of ['red/small', 'red/large']) await failure(owner.retrieve(key), 'INTEGRITY');
    // Those of categories that the member never had are as they were.
    expect((await owner.retrieve('blue/small')).text()).toBe('second of blue');
  });

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

  it('the grants of before, put back alone, are named by no head', async () => {
    const { attacker, before, ann, enter, clock, owner } = await revoked();
    const name = headOf(before).references.grants?.name ?? '';
    await attacker.put(name, before.get(name) ?? Buffer.alloc(0));
    await failure(enter(ann), 'UNLOCK_FAILED');
    // The next change of keys removes them.
    await owner.members.revoke('bob');
    expect(await attacker.names('p/')).not.toContain(name);
    clock.advance(1);
  });

  it('what the member has copied before still opens to them', async () => {
    const { before, spoils, ...all } = await revoked();
    const ids = await categoryIds({ ...all });
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
  it('are in no grant from the moment that they are scheduled, and come back when that is undone', async () => {
    const { attacker, ann, owner, enter, clock } = await furnished();
    const member = await enter(ann);
    await owner.keys.destroy('red');
    const bodies = await attacker.copy();
    const { granted } = await loot(bodies, ann.unlock);
    const red = granted.groups.find(({ kind }) => kind === 'category');
    expect(red?.versions.map(({ key }) => Buffer.from(key).toString('hex'))).toEqual(['00'.repeat(32)]);
    const spoils = await loot(bodies, ann.unlock);
    expect(openedBy(bodies, spoils).filter((name) => /^[oh]\//.test(name))).toEqual([]);
    await failure(member.retrieve('red/small'), 'KEY_DESTROYED');
    await owner.keys.undo('red');
    clock.advance(5001);
    expect((await member.retrieve('red/small')).text()).toBe('second of red');
  });

  it('open nothing any more, by all files that there are and all identities, once they are destroyed', async () => {
    const { attacker, ann, owner } = await furnished();
    const old = headOf(await attacker.copy()).references.grants?.name ?? '';
    await owner.keys.destroy('red', { waitingPeriod: 0 });
    const bodies = await attacker.copy();
    expect(bodies.has(old)).toBe(false);
    const spoils = await loot(bodies, ann.unlock);
    expect(openedBy(bodies, spoils).filter((name) => /^[oh]\//.test(name))).toEqual([]);
    expect(await openedBoxes(bodies, spoils)).toBe(1);
  });
});

it('a secret of the store opens it whatever its members do', async () => {
  const { place, clock } = await furnished();
  await failure(openAt(place, { clock, unlock: rawKey(Buffer.alloc(32, 9)) }), 'UNLOCK_FAILED');
  expect((await (await openAt(place, { clock })).retrieve('blue/small')).text()).toBe('second of blue');
  await failure(createAt(place, { clock }), 'ALREADY_EXISTS');
});
