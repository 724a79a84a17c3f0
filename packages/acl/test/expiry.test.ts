import { randomBytes } from 'node:crypto';
import type { SecureStore } from 'securestore';
import { createStore, rawKey } from 'securestore';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Action, Session } from '../src/index.ts';
import { AccessControl, addPrincipal, grantRole, setApprovals, setRole } from '../src/index.ts';
import { extensionsOf } from '@securestore/objects/internal';

const HOUR = 3_600_000;
const soon = (): Date => new Date(Date.now() + HOUR);

interface Scene {
  readonly store: SecureStore;
  readonly access: AccessControl;
  readonly session: Session;
}

async function sceneWith(actions: readonly Action[]): Promise<Scene> {
  const store = await createStore('memory:', { unlock: rawKey(randomBytes(32)), maintenance: false });
  onTestFinished(async () => store.close());
  await store.store('k', 'x');
  const house = { name: 'house', authenticate: async (credentials: unknown) => credentials as { principal: string } };
  const access = new AccessControl(store, extensionsOf(store).policy, { authenticators: [house] });
  await access.change([
    setRole('role', [{ effect: 'allow', actions }]),
    addPrincipal('alice', 'user'),
    grantRole('alice', 'role'),
  ]);
  return { store, access, session: await access.session({ principal: 'alice' }) };
}

describe('whoever may write and not delete', () => {
  test('puts nothing in the place of an object that is gone within a day', async () => {
    const { store, session } = await sceneWith(['write']);
    const denied = { code: 'ACCESS_DENIED', message: expect.stringContaining('delete on this key') };
    for (const expires of [new Date(Date.now() + 1), soon(), new Date(Date.now() + 23 * HOUR)]) {
      await expect(session.store('k', 'y', { expires })).rejects.toMatchObject(denied);
      expect(await session.storeMany([{ key: 'k', data: 'y', expires }])).toMatchObject([{ ok: false, error: denied }]);
    }
    // What was asked about is what is stored.
    const shifting = soon();
    shifting.getTime = () => Date.now() + 100 * HOUR;
    await expect(session.store('k', 'y', { expires: shifting })).rejects.toMatchObject(denied);
    let asked = 0;
    const turning = {
      get expires(): Date | undefined {
        return asked++ === 0 ? undefined : shifting;
      },
    };
    await expect(session.store('k', 'y', turning)).resolves.not.toHaveProperty('expires');
    asked = 1;
    await expect(session.store('k', 'y', turning)).rejects.toMatchObject(denied);
    expect((await store.retrieve('k')).text()).toBe('y');
  });

  test('stores what lasts longer, and what replaces nothing', async () => {
    const { store, session } = await sceneWith(['write']);
    await session.store('k', 'y', { expires: new Date(Date.now() + 25 * HOUR) });
    await session.store('new', 'z', { expires: soon(), ifAbsent: true });
    const [many] = await session.storeMany([{ key: 'newer', data: 'z', expires: soon(), ifAbsent: true }]);
    expect(many).toMatchObject({ ok: true });
    expect(await store.list()).toEqual(['k', 'new', 'newer']);
    await expect(session.store('k', 'z', { expires: soon(), ifAbsent: true })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });
});

test('an approval of deletions binds what would be gone soon, too', async () => {
  const { access, session } = await sceneWith(['write', 'delete']);
  await session.store('k', 'y', { expires: soon() });
  await access.change(setApprovals([{ actions: ['delete'] }]));
  await expect(session.store('k', 'z', { expires: soon() })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  await access.approve((await session.approvals.request('delete', 'k')).id);
  await session.store('k', 'z', { expires: soon() });
  await expect(session.store('k', 'z', { expires: soon() })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
});

/** An object that was there for an hour, and in its place one that is to stay. */
async function replaced(actions: readonly Action[]) {
  const scene = await sceneWith(actions);
  const { version } = await scene.store.store('k', 'gone soon', { expires: soon() });
  await scene.store.store('k', 'to stay');
  return { ...scene, version };
}

describe('a version that is gone soon', () => {
  test('takes the right to delete to be made current again in the place of another', async () => {
    const { store, session, version } = await replaced(['recover', 'read']);
    await expect(session.restoreVersion('k', version)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('delete on this key'),
    });
    await expect(session.restoreVersion('k', 'none')).rejects.not.toMatchObject({ code: 'ACCESS_DENIED' });
    expect((await store.retrieve('k')).text()).toBe('to stay');
    await store.delete('k');
    await session.restoreVersion('k', version, { ifAbsent: true });
    expect((await store.retrieve('k')).text()).toBe('gone soon');
  });

  test('takes the approval of a deletion, and tells nothing to whoever may not recover', async () => {
    const { store, access, session, version } = await replaced(['recover', 'delete', 'read']);
    await access.change(setApprovals([{ actions: ['delete'] }]));
    const asked = {
      code: 'ACCESS_DENIED',
      message: 'delete on this key takes the approval of a second person',
      approvals: ['delete'],
      advice: [expect.objectContaining({ id: 'request-approval', action: 'delete', key: 'k' })],
    };
    await expect(session.restoreVersion('k', version)).rejects.toMatchObject(asked);
    const { id } = await session.approvals.request('delete', 'k');
    await access.approve(id);
    await session.restoreVersion('k', version);
    expect((await store.retrieve('k')).text()).toBe('gone soon');
    await access.change(setRole('role', [{ effect: 'allow', actions: ['list'] }]));
    await expect(session.restoreVersion('k', version)).rejects.toMatchObject({
      message: expect.stringContaining('recover on this key'),
    });
  });
});

test('an approval of deletions is asked for in no batch that deletes nothing', async () => {
  const { access, session } = await sceneWith(['write', 'delete', 'list']);
  await access.change(setApprovals([{ actions: ['delete'] }]));
  const items = ['new', 'k'].map((key) => ({ key, data: 'y', expires: soon() }));
  expect((await session.storeMany(items)).map(({ ok }) => ok)).toEqual([true, false]);
});
