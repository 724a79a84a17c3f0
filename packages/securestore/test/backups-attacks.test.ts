import { describe, expect, test } from 'vitest';
import type { Rule, SecureStore, Session } from '../src/index.ts';
import { addPrincipal, grantRole, setRole } from '../src/index.ts';
import { as } from './support/access-world.ts';
import { BackupWorld } from './support/backup-world.ts';

const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED' });

async function scene(rules: readonly Rule[]): Promise<{ world: BackupWorld; store: SecureStore; ned: Session }> {
  const world = new BackupWorld();
  const store = await world.furnished();
  await store.access.change([setRole('role', rules), addPrincipal('ned', 'user'), grantRole('ned', 'role')]);
  await store.backup(world.backup);
  return { world, store, ned: await as(store, 'ned') };
}

describe('whoever may restore, and replace nothing', () => {
  test.each([
    ['the same names, said with an empty prefix', { into: '', conflict: 'overwrite' }],
    ['a prefix that is its own', { prefix: 'db/', into: 'db/', conflict: 'overwrite' }],
    ['what is older', { prefix: 'db/', into: 'db/', conflict: 'newer' }],
    ['what came later, by deleting it', { prefix: 'db/', into: 'db/', deleteExtra: true, conflict: 'skip' }],
  ] as const)('can not write over %s', async (_, options) => {
    const { world, store, ned } = await scene([{ effect: 'allow', actions: ['restore'] }]);
    await store.store('db/a', 'newer');
    await store.store('db/extra', 'later');
    await expect(ned.restore(world.backup, options)).rejects.toEqual(DENIED);
    expect((await store.retrieve('db/a')).text()).toBe('newer');
    expect(await store.has('db/extra')).toBe(true);
    // It still restores beside what there is.
    expect(await ned.restore(world.backup, { prefix: 'db/', into: 'copy/' })).toMatchObject({ failed: [] });
  });
});
