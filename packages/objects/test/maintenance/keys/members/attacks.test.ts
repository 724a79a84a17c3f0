import { createHash } from 'node:crypto';
import {
  AREAS,
  decodeGrants,
  encodeGrants,
  encodeHead,
  HEAD_NAME,
  joinHead,
  objectName,
} from '@securestore/core-format';
import { identityPrivateKey, identityPublicKey, sealGrant, signAs } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { HEAD_USE, readKeyring } from '../../../../src/head/store-state.ts';
import { unlockRoot } from '../../../../src/head/unlock/unlock-root.ts';
import { extensionsOf } from '../../../../src/internal.ts';
import { memoryAnchor } from '../../../support/anchors.ts';
import { categoryIds, furnished, recordsOf } from '../../../support/furnished.ts';
import { headAt } from '../../../support/heads.ts';
import { impostorOf } from '../../../support/impostor.ts';
import { club, person } from '../../../support/members.ts';
import { failure, openAt, UNLOCK } from '../../../support/stores.ts';
import type { Loot } from '../../../support/thief.ts';
import { fake, headOf, loot, namesIn, openedBoxes, openedBy } from '../../../support/thief.ts';

const RED = { categories: ['red'] };
const OWN_AREAS = [AREAS.journal, AREAS.work, AREAS.markers, AREAS.checkpoints];

it.each<readonly [string, boolean]>([
  ['a deletion', true],
  ['an object', false],
])('%s of a long name that was not granted is told from that of another name', async (_, isDeleted) => {
  const { owner, attacker, join, enter } = await club();
  for (const letter of ['a', 'b']) {
    const key = `blue/${letter.repeat(300)}`;
    await owner.store(key, letter);
    if (isDeleted) await owner.delete(key);
  }
  const member = await enter(await join('ann', RED));
  const { backup } = extensionsOf(member);
  const [one = '', other = ''] = await attacker.names(AREAS.objects);
  expect(await backup.changeAt(one)).toMatchObject({ header: { kind: isDeleted ? 'tombstone' : 'object' } });
  await attacker.swap(one, other);
  for (const name of [one, other]) await failure(backup.changeAt(name), 'INTEGRITY');
});

describe('with all bytes of the store and the primitives alone, a member', () => {
  // T-MEMBER-01
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
    const expected = [...red, ...ours, references.categoryMap?.name ?? ''];
    const spoils = await loot(bodies, ann.unlock);
    expect(openedBy(bodies, spoils).toSorted()).toEqual(expected.toSorted());
    expect(await openedBoxes(bodies, spoils)).toBe(1);
  });

  it('would open all of it with the keys of the root, so that nothing is overlooked', async () => {
    const { attacker, place } = await furnished();
    const bodies = await attacker.copy();
    const head = await headAt(await place.open());
    const { root } = await unlockRoot(head, UNLOCK);
    const granted = await readKeyring(await place.open(), head, root);
    const all = [granted.identitySeed, root.export()].flatMap((privateKey) =>
      openedBy(bodies, { granted, privateKey: Buffer.from(privateKey) }),
    );
    const sealed = [...bodies.keys()].filter((name) => name !== HEAD_NAME && !name.startsWith(AREAS.blobs));
    expect([...new Set(all)].toSorted()).toEqual(sealed.toSorted());
  });

  // T-MEMBER-01
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

  // T-MEMBER-10
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
    expect(namesIn(bodies, spoils)).toEqual(
      ['blue', 'other', 'red'].flatMap((folder) => [`${folder}/gone`, `${folder}/large`, `${folder}/small`]),
    );
  });
});

const journal = ({ granted }: Loot): Uint8Array =>
  granted.groups.find(({ kind }) => kind === 'journal')?.id ?? expect.fail('no journal');

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

describe('a forged record', () => {
  // T-MEMBER-02
  it.each(['blue/small', 'blue/none'])(
    'of another category, sealed under a granted key, is refused at %s',
    async (key) => {
      await refusedAt(key, ({ red, blue }) => ({ category: blue, under: red }));
    },
  );

  // T-MEMBER-02
  it.each(['blue/small', 'blue/none', 'other/small'])(
    'of a granted category under the name %s is refused',
    async (key) => {
      await refusedAt(key, ({ red }) => ({ category: red, under: red }));
    },
  );

  // T-MEMBER-02
  it('sealed under the journal key is refused', async () => {
    await refusedAt('blue/small', ({ blue }, spoils) => ({ category: blue, under: journal(spoils) }));
    await refusedAt('red/small', ({ red }, spoils) => ({ category: red, under: journal(spoils) }));
  });

  it('of a granted category is refused under another name than its own', async () => {
    const all = await furnished();
    const { attacker, ann, owner, clock } = all;
    const ids = await categoryIds(all);
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
  // T-MEMBER-03
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

  // T-MEMBER-03
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
  // T-MEMBER-04
  it('[I-11] is refused to a member by its fingerprint', async () => {
    const { attacker, place, ann, enter, owner, clock } = await furnished();
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

  // T-MEMBER-04
  it('is refused to whoever opens it by a secret of their own', async () => {
    const { attacker, place, clock } = await furnished();
    const anchor = memoryAnchor();
    await (await openAt(place, { clock, anchor })).close();
    await attacker.restore(await impostorOf(place));
    await failure(openAt(place, { clock }), 'UNLOCK_FAILED');
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
  });
});
