import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../objects/test/support/stores.ts';
import type { MigrationPhase } from '../src/index.ts';
import { cancelMigration } from '../src/index.ts';
import { move, mover, reaching } from './support/moves.ts';

const NEW = rawKey(Buffer.alloc(32, 9));
/** A name that no token tells, however names are written. */
const LONG = `long/${'ä'.repeat(400)}`;

async function scene() {
  const clock = new EagerClock();
  const memory = () => usePlace(() => memoryPlace(() => clock.now()));
  const [from, to] = [memory(), memory()];
  return { clock, from, to, store: await createAt(from, { clock, categories: { pii: ['users/*'] } }) };
}

describe('what is gone from a store that is sealed anew', () => {
  // T-MIGRATE-14
  it('does not live on under a name that is too long to be told, where it was purged between two runs', async () => {
    const { clock, from, to, store } = await scene();
    await store.store(LONG, 'a secret');
    await store.store('short', 'stays');
    const reencrypt = { unlock: NEW };
    expect(await move(from, to, { clock, reencrypt, copyOnly: true })).toMatchObject({ migrated: false, failures: 0 });
    await store.purge(LONG);
    expect(await move(from, to, { clock, reencrypt })).toMatchObject({ migrated: true, failures: 0 });
    const anew = await openAt(to, { clock, unlock: NEW });
    expect(await anew.list()).toEqual(['short']);
    await failure(anew.retrieve(LONG), 'NOT_FOUND');
    expect(await anew.history(LONG)).toMatchObject([{ deleted: true, purged: true }]);
  });

  // T-MIGRATE-14
  it.each<MigrationPhase>(['verifying', 'announcing'])(
    'nor where it was purged when the store was %s',
    async (when) => {
      const { clock, from, to, store } = await scene();
      await store.store(LONG, 'a secret');
      await store.store('short', 'stays');
      const { store: source, job } = await mover(from, to, { clock, reencrypt: { unlock: NEW } });
      for await (const { phase } of job.progress) {
        if (phase !== when) continue;
        await store.purge(LONG);
        break;
      }
      expect(await job).toMatchObject({ migrated: true, failures: 0 });
      await source.close();
      const anew = await openAt(to, { clock, unlock: NEW });
      expect(await anew.list()).toEqual(['short']);
      await failure(anew.retrieve(LONG), 'NOT_FOUND');
    },
  );

  // T-MIGRATE-14
  it('can not be meant to be gone with its keys, as long as it is sealed under others elsewhere', async () => {
    const { clock, from, to, store } = await scene();
    await store.store('users/1', 'personal');
    expect(await move(from, to, { clock, reencrypt: { unlock: NEW }, copyOnly: true })).toMatchObject({ failures: 0 });
    for (const waitingPeriod of [0, 1000]) {
      const error = await failure(store.encryptionKeys.destroy('pii', { waitingPeriod }), 'LOCKED');
      expect(error.message).toContain('cannot be destroyed while the store is being re-encrypted');
      expect(error).toMatchObject({
        reason: 'migrating',
        advice: [{ id: 'resume-migration' }, { id: 'cancel-migration' }],
      });
    }
    expect((await store.retrieve('users/1')).text()).toBe('personal');
    const moving = await openAt(from, { clock, ignoreRedirect: true });
    await cancelMigration(moving, reaching(from, to));
    await moving.close();
    await store.encryptionKeys.destroy('pii', { waitingPeriod: 0 });
    await failure(store.retrieve('users/1'), 'KEY_DESTROYED');
  });
});
