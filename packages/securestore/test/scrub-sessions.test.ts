import type { ReadOptions, ReadResult } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { expect, test } from 'vitest';
import type { Rule, SecureStore, Session } from '../src/index.ts';
import { addPrincipal, grantRole, setApprovals, setRole } from '../src/index.ts';
import { as, PeoplesWorld } from './support/access-world.ts';

const allow = (...actions: Rule['actions']): Rule[] => [{ effect: 'allow', actions }];
const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED' });

/** A backend that lets something happen when the first object is read. */
class Interposed extends MemoryBackend {
  onObject: (() => Promise<void> | void) | undefined;

  override async read(key: string, options?: ReadOptions): Promise<ReadResult | undefined> {
    if (key.startsWith('o/')) {
      const { onObject } = this;
      this.onObject = undefined;
      await onObject?.();
    }
    return super.read(key, options);
  }
}

async function interrupted(): Promise<{
  readonly store: SecureStore;
  readonly backend: Interposed;
  readonly ann: Session;
  readonly may: (...actions: Rule['actions']) => Promise<unknown>;
}> {
  const world = new PeoplesWorld();
  const backend = new Interposed({ clock: () => world.clock.now() });
  const store = await world.open({ backend });
  const may = (...actions: Rule['actions']): Promise<unknown> =>
    store.access.change(setRole('role of ann', allow(...actions)));
  await store.access.change([
    setRole('role of ann', allow('jobs')),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'role of ann'),
  ]);
  await store.store('db/a', 'one');
  const controller = new AbortController();
  backend.onObject = () => controller.abort();
  await expect(Promise.resolve(store.scrub({ signal: controller.signal }))).rejects.toMatchObject({ code: 'ABORTED' });
  return { store, backend, ann: await as(store, 'ann'), may };
}

test('whoever goes on with a scrub needs what starting it takes, an approval included', async () => {
  const { store, ann, may } = await interrupted();
  const resume = (): Promise<unknown> => Promise.resolve(ann.jobs.resume('scrub'));
  await expect(resume()).rejects.toEqual(DENIED);
  await may('jobs', 'verify');
  await store.access.change(setApprovals([{ actions: ['verify'] }]));
  await expect(resume()).rejects.toEqual(DENIED);
  await store.access.approve((await ann.approvals.request('verify')).id);
  expect(await resume()).toMatchObject({ ok: true, objects: 1 });
  expect(await store.access.requests()).toEqual([]);
});

test('whoever goes on with a scrub is not told what it found once they may not verify any more', async () => {
  const { store, backend, ann, may } = await interrupted();
  await may('jobs', 'verify');
  backend.onObject = async () => void (await may('jobs'));
  await expect(Promise.resolve(ann.jobs.resume('scrub'))).rejects.toEqual(DENIED);
  expect(await store.jobs.list()).toEqual([]);
});
