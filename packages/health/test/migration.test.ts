import { describe, expect, it } from 'vitest';
import { openAt } from '../../objects/test/support/stores.ts';
import { Health } from '../src/index.ts';
import { checkOf, DAY, world } from './support/world.ts';
import { extensionsOf } from '@securestore/objects/internal';

describe('the health of a store that is to move', () => {
  it('says so, and is degraded where nobody has gone on with that for a day', async () => {
    const { store, health, place, clock } = await world();
    const names = async (): Promise<string[]> => (await health.check()).checks.map(({ name }) => name);
    expect(await names()).not.toContain('migration');
    const mover = await openAt(place, { clock, ignoreRedirect: true });
    await extensionsOf(mover).migration.begin('file:/new/place', false);
    clock.advance(3 * 60 * 60 * 1000);
    const report = await health.check();
    expect(report.status).toBe('ok');
    expect(checkOf(report, 'migration')).toMatchObject({
      status: 'ok',
      reason: 'a migration to file:/new/place has not been resumed for 3 h: the store is still here',
      advice: '',
    });
    clock.advance(DAY);
    expect(checkOf(await health.check(), 'migration')).toMatchObject({
      status: 'degraded',
      reason: expect.stringMatching(/has not been resumed for 27 h/),
      advice: expect.stringMatching(
        /the same "securestore migrate", or cancel it by "securestore migrate .* --cancel"/,
      ),
      figures: { idle: expect.any(Number) },
    });
    await extensionsOf(mover).migration.cancel();
    expect(await names()).not.toContain('migration');
    await store.close();
  });

  it('counts from when somebody was at it, and says where somebody is', async () => {
    const { health, place, clock } = await world();
    const mover = await openAt(place, { clock, ignoreRedirect: true });
    await extensionsOf(mover).migration.begin('file:/new/place', false);
    clock.advance(2 * DAY);
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const job = extensionsOf(mover).migration.runJob('migrate', {}, new Set(), {
      kind: {
        name: 'migration',
        parse: () => ({}),
        async run({ save }) {
          await save({}, { now: true });
          begun.resolve();
          await work.promise;
        },
      },
      parameters: {},
      id: 'migration',
    });
    await begun.promise;
    const other = new Health(await openAt(place, { clock }));
    expect(checkOf(await other.check(), 'migration')).toMatchObject({
      status: 'ok',
      reason: 'the store is being migrated to file:/new/place',
      figures: { idle: 0 },
    });
    work.reject(new Error('stopped'));
    await expect(Promise.resolve(job)).rejects.toThrow();
    expect(checkOf(await health.check(), 'migration')).toMatchObject({
      status: 'ok',
      reason: expect.stringMatching(/for \d+ s:/),
    });
    clock.advance(2 * DAY);
    expect(checkOf(await health.check(), 'migration').status).toBe('degraded');
  });
});
