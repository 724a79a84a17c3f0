import { createHash } from 'node:crypto';
import type { Head, Member } from '@securestore/core-format';
import {
  decodeGrants,
  decodeMembers,
  encodeGrants,
  encodeHead,
  encodeMembers,
  generationOf,
  HEAD_NAME,
  joinHead,
  policyName,
  systemContext,
} from '@securestore/core-format';
import type { SystemKey } from '@securestore/crypto';
import { openSystemBody, randomPool, sealSystemBody, signAs, unversioned } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { commitHead } from '../../../../src/engine/commit-head.ts';
import { ownerKeys, rootOf } from '../../../../src/head/unlock/owner-keys.ts';
import type { StoreState } from '../../../../src/head/store-state.ts';
import { HEAD_USE, loadState, readKeyring } from '../../../../src/head/store-state.ts';
import { unlockRoot } from '../../../../src/head/unlock/unlock-root.ts';
import { engineAt } from '../../../support/engines.ts';
import { following, headAt } from '../../../support/heads.ts';
import type { Club, Person } from '../../../support/members.ts';
import { club, person } from '../../../support/members.ts';
import { failure, UNLOCK } from '../../../support/stores.ts';
import { headOf, loot } from '../../../support/thief.ts';
import { extensionsOf } from '../../../../src/internal.ts';

const OLD = Buffer.alloc(32, 7);
const RED = { categories: ['red'] };

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The keys that a member finds, and those that the keyring has for them and that open something; each by the id of its version. */
async function foundAndMeant({ attacker, place }: Club, someone: Person): Promise<[object, object]> {
  const { granted } = await loot(await attacker.copy(), someone.unlock);
  const backend = await place.open();
  const head = await headAt(backend);
  const keyring = await readKeyring(backend, head, (await unlockRoot(head, UNLOCK)).root);
  const theirs = new Set(granted.groups.map(({ id }) => hex(id)));
  const keysOf = (groups: typeof keyring.groups): object =>
    Object.fromEntries(
      groups.flatMap(({ versions }) => versions.map((version) => [hex(version.id), hex(version.key)])),
    );
  const meant = keyring.groups
    .filter(({ id }) => theirs.has(hex(id)))
    .map((group) => ({
      ...group,
      versions: group.versions.map((one) => (one.destroyAt > 0 ? { ...one, key: Buffer.alloc(32) } : one)),
    }));
  return [keysOf(granted.groups), keysOf(meant)];
}

/** What was done to the keys of a store that has members. */
const CHANGES: readonly (readonly [string, (all: Club) => PromiseLike<unknown>])[] = [
  ['the root key is renewed', ({ owner }) => owner.rotateEncryptionKey(OLD, OLD, { depth: 'unlock' })],
  ['all keys are', ({ owner }) => owner.rotateEncryptionKey(OLD, OLD)],
  ['keys are scheduled to be destroyed', ({ owner }) => owner.encryptionKeys.destroy('red')],
  ['they are destroyed', ({ owner }) => owner.encryptionKeys.destroy('red', { waitingPeriod: 0 })],
  ['another member is added', ({ join }) => join('carl', RED)],
  ['another member is revoked', ({ owner }) => owner.members.revoke('bob')],
];

describe('grants', () => {
  it.each(CHANGES)('[I-10] have the keys of the keyring beside them when %s', async (_what, change) => {
    const all = await club();
    const ann = await all.join('ann', { categories: ['red', 'default'] });
    await all.join('bob', RED);
    const before = headOf(await all.attacker.copy());
    await change(all);
    const after = headOf(await all.attacker.copy());
    expect(after.references.grants?.name).not.toBe(before.references.grants?.name);
    const [found, meant] = await foundAndMeant(all, ann);
    expect(Object.keys(found).length).toBeGreaterThan(2);
    expect(found).toEqual(meant);
    // And no others lie beside them.
    const grants = [...(await all.attacker.copy()).values()].filter((body) => body.toString('latin1', 0, 4) === 'SSGR');
    expect(grants).toHaveLength(1);
  });

  it('stay the same when nothing of the keys changes', async () => {
    const { owner, join, attacker } = await club();
    await join('ann', RED);
    const before = headOf(await attacker.copy());
    await extensionsOf(owner).policy.change('access.change', () => ({ policy: Buffer.from('a policy') }));
    await owner.slots.add({ recipient: (await person()).recipient });
    expect(headOf(await attacker.copy()).references.grants).toEqual(before.references.grants);
  });
});

describe("keys of the store's own", () => {
  it('are granted beside categories or alone, and renewed when that is revoked', async () => {
    const all = await club();
    const { owner, place, clock, attacker, enter } = all;
    await failure(owner.members.add('ann', (await person()).recipient, { areas: ['backup'] }), 'NOT_FOUND');
    const { engine } = await engineAt(place, clock);
    await commitHead(engine, {}, async (state) => {
      const keyring = await readKeyring(engine.backend, state.head, rootOf(state));
      const [like] = keyring.groups;
      const version = like?.versions[0] ?? expect.fail('no keys');
      const backup = {
        id: Buffer.alloc(16, 0xff),
        kind: 'backup' as const,
        digestKey: Buffer.alloc(32, 1),
        versions: [{ ...version, id: Buffer.alloc(8, 0xff), key: Buffer.alloc(32, 2) }],
      };
      return { keyring: { ...keyring, groups: [...keyring.groups, backup] } };
    });
    clock.advance(5001);
    const ann = await all.join('ann', { areas: ['backup'] });
    const bob = await all.join('bob', RED);
    const kinds = async (someone: Person): Promise<string[]> =>
      (await loot(await attacker.copy(), someone.unlock)).granted.groups.map(({ kind }) => kind).toSorted();
    expect(await kinds(ann)).toEqual(['backup', 'journal']);
    expect(await kinds(bob)).toEqual(['category', 'journal']);
    expect((await owner.members.list())[0]).toMatchObject({ name: 'ann', categories: [], areas: ['backup'] });
    await owner.store('red/a', 'a');
    const member = await enter(ann);
    expect(await member.list()).toEqual(['red/a']);
    await failure(member.retrieve('red/a'), 'ACCESS_DENIED');
    await owner.members.revoke('ann');
    const states = (await owner.encryptionKeys.list())
      .filter(({ kind }) => kind === 'backup')
      .map(({ state }) => state);
    // What was backed up stays as it was written, and opens.
    expect(states).toEqual(['enabled', 'primary']);
    expect((await owner.encryptionKeys.list()).filter(({ category }) => category === 'red')).toHaveLength(1);
  });
});

/** Has the head name other grants, as only a holder of the identity can. */
async function regrant(
  { place, attacker }: Club,
  change: (
    members: Member[],
    at: { readonly key: SystemKey; readonly context: Buffer; readonly state: StoreState },
  ) => Buffer,
): Promise<void> {
  const backend = await place.open();
  const head = await headAt(backend);
  const state = await loadState(backend, head, await unlockRoot(head, UNLOCK));
  const owner = ownerKeys(state);
  const old = head.references.grants?.name ?? '';
  const { grants, directory } = decodeGrants(await attacker.get(old));
  const context = (name: string): Buffer => systemContext(head.instance, generationOf(name) ?? 0, name);
  const opened = openSystemBody('it', unversioned(owner.members), head.suites, 'members', context(old), directory);
  const name = policyName(head.generation + 1, Buffer.alloc(16, 1));
  const key = { secret: owner.members, suite: 1 };
  const body = encodeGrants({
    grants,
    directory: change(decodeMembers(opened), { key, context: context(name), state }),
  });
  await attacker.put(name, body);
  const references = { ...head.references, grants: { name, digest: createHash('sha256').update(body).digest() } };
  const changed: Head = { ...head, generation: head.generation + 1, references };
  const signed = encodeHead(following(head, changed));
  await attacker.put(HEAD_NAME, joinHead(signed, signAs(owner.identity, HEAD_USE, signed)));
}

describe('the directory of members', () => {
  it('[I-09] is refused where it lists others than have grants', async () => {
    const directories: ((members: Member[]) => Member[])[] = [
      (members) => members.slice(1),
      (members) => [{ ...(members[0] ?? expect.fail('nobody')), publicKey: Buffer.alloc(32) }, ...members.slice(1)],
    ];
    for (const change of directories) {
      const all = await club();
      await all.join('ann', RED);
      await all.join('bob', RED);
      await regrant(all, (members, { key, context }) =>
        sealSystemBody(key, 'members', context, encodeMembers(change(members)), randomPool()),
      );
      await failure(all.owner.members.list(), 'INTEGRITY');
    }
  });

  it('is refused where it is sealed for another place', async () => {
    const all = await club();
    await all.join('ann', RED);
    // The control: the same for the right place.
    await regrant(all, (members, { key, context }) =>
      sealSystemBody(key, 'members', context, encodeMembers(members), randomPool()),
    );
    expect(await all.owner.members.list()).toHaveLength(1);
    await regrant(all, (members, { key }) =>
      sealSystemBody(key, 'members', Buffer.from('elsewhere'), encodeMembers(members), randomPool()),
    );
    await failure(all.owner.members.list(), 'INTEGRITY');
  });
});
