import { randomBytes } from 'node:crypto';
import { createStore, rawKey } from 'securestore';
import type { SecureStore } from 'securestore';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Action, Rule, Session } from '../src/index.ts';
import { AccessControl, addPrincipal, grantRole, setApprovals, setRole } from '../src/index.ts';
import { extensionsOf } from '@securestore/objects/internal';

interface Scene {
  readonly store: SecureStore;
  readonly access: AccessControl;
  readonly version: string;
}

async function begin(): Promise<Scene> {
  const store = await createStore('memory:', { unlock: rawKey(randomBytes(32)), maintenance: false });
  onTestFinished(async () => store.close());
  const house = { name: 'house', authenticate: async (credentials: unknown) => credentials as { principal: string } };
  const access = new AccessControl(store, extensionsOf(store).policy, { authenticators: [house] });
  const { version } = await store.store('k', 'x'.repeat(41_234), { metadata: { of: 'the first' } });
  await store.store('k', 'y'.repeat(51_234), { metadata: { of: 'the second' } });
  return { store, access, version };
}

async function sessionWith({ access }: Scene, actions: readonly Action[]): Promise<Session> {
  const rules: readonly Rule[] = [{ effect: 'allow', actions }];
  await access.change([setRole('role', rules), addPrincipal('alice', 'user'), grantRole('alice', 'role')]);
  return access.session({ principal: 'alice' });
}

/** The changes that keep what was there. */
const CHANGES: readonly [string, Action, (scene: Scene, session: Session) => Promise<object>][] = [
  ['setMetadata', 'write', (_, session) => session.setMetadata('k', { of: 'mine' })],
  [
    'undelete',
    'recover',
    async ({ store }, session) => {
      await store.delete('k');
      return session.undelete('k');
    },
  ],
  ['restoreVersion', 'recover', ({ version }, session) => session.restoreVersion('k', version)],
];

describe.each(CHANGES)('what %s answers, by the right to %s', (_, action, change) => {
  test('alone tells nothing of what was there', async () => {
    const scene = await begin();
    const answer = await change(scene, await sessionWith(scene, [action]));
    expect(answer).toEqual({ key: 'k', version: expect.any(String), modified: expect.any(Date) });
    expect(await scene.store.info('k')).toMatchObject(answer);
  });

  test('tells all to whoever may read it too', async () => {
    const scene = await begin();
    const answer = await change(scene, await sessionWith(scene, [action, 'read']));
    expect(answer).toEqual(await scene.store.info('k'));
  });

  test('tells nothing where reading takes an approval, and uses none up', async () => {
    const scene = await begin();
    const session = await sessionWith(scene, [action, 'read']);
    await scene.access.change(setApprovals([{ actions: ['read'] }]));
    await scene.access.approve((await session.approvals.request('read', 'k')).id);
    expect(Object.keys(await change(scene, session)).toSorted()).toEqual(['key', 'modified', 'version']);
    // It was of the version before.
    await expect(session.retrieve('k')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await session.approvals.list()).toHaveLength(1);
    await scene.access.approve((await session.approvals.request('read', 'k')).id);
    await session.retrieve('k');
    await expect(session.retrieve('k')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});
