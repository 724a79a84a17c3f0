import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  addPrincipal,
  createStore,
  generateIdentity,
  generateIdentityFile,
  grantRole,
  identity,
  identityFile,
  openStore,
  rawKey,
  recipientOf,
  setRole,
} from '../src/index.ts';
import type { SecureStore } from '../src/index.ts';

const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED' });

interface Scene {
  readonly owner: SecureStore;
  readonly member: SecureStore;
  readonly url: string;
  /** Of somebody who may act in sessions. */
  readonly token: string;
}

async function scene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-members-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const url = `sqlite:${join(folder, 'vault.db')}`;
  const owner = await createStore(url, {
    unlock: rawKey(Buffer.alloc(32, 7)),
    categories: { red: ['red/**'] },
  });
  onTestFinished(() => owner.close());
  await owner.store('red/a', 'granted');
  await owner.access.change([addPrincipal('deployer', 'service')]);
  const { token } = await owner.access.createToken('deployer');
  const path = join(folder, 'me.identity');
  await owner.members.add('ann', await generateIdentityFile(path), { categories: ['red'] });
  const member = await openStore(url, { unlock: identityFile(path), fingerprint: owner.fingerprint });
  onTestFinished(() => member.close());
  return { owner, member, url, token };
}

describe('a member', () => {
  test('opens what was granted by an identity file', async () => {
    const { member } = await scene();
    expect((await member.retrieve('red/a')).text()).toBe('granted');
    await expect(member.store('other', 'x')).rejects.toEqual(DENIED);
  });

  test('has no sessions to give, and neither sees nor changes the policy', async () => {
    const { member, token, owner } = await scene();
    for (const credentials of [{ token }, { token: 'sst_nonsense' }]) {
      await expect(member.session(credentials)).rejects.toEqual(DENIED);
    }
    await expect(member.access.policy()).rejects.toEqual(DENIED);
    await expect(member.access.change([addPrincipal('mallory', 'user')])).rejects.toEqual(DENIED);
    await expect(member.access.createToken('deployer')).rejects.toEqual(DENIED);
    await expect(member.access.explain('deployer', 'read', 'red/a')).rejects.toEqual(DENIED);
    expect((await owner.access.policy()).principals.map(({ name }) => name)).toEqual(['deployer']);
  });
});

test('whoever may do members.change in a session comes by every object, and no role stands in the way', async () => {
  const { owner, token, url } = await scene();
  await owner.access.change([
    setRole('members', [{ effect: 'allow', actions: ['members.change'] }]),
    grantRole('deployer', 'members'),
  ]);
  await using session = await owner.session({ token });
  await expect(session.retrieve('red/a')).rejects.toEqual(DENIED);
  const mine = generateIdentity();
  await session.members.add('deployer', await recipientOf(mine), { categories: ['default', 'red'] });
  await using opened = await openStore(url, { unlock: identity(mine), fingerprint: owner.fingerprint });
  expect((await opened.retrieve('red/a')).text()).toBe('granted');
});
