import { expect, it } from 'vitest';
import { attack, flipped } from '../../objects/test/support/attacker.ts';
import { openAt } from '../../objects/test/support/stores.ts';
import { Health } from '../src/index.ts';
import { checkOf, DAY, world } from './support/world.ts';

it('names an object of which something is wrong only where it may', async () => {
  const { health, place, store } = await world();
  await store.store('db/prod/password', 'secret');
  const attacker = await attack(place);
  const name = await attacker.name('o/');
  await attacker.put(name, flipped(await attacker.get(name), 150));
  await health.scrub();
  expect(checkOf(await health.check(), 'scrub').reason).toContain('db/prod/password');
  const report = await health.check({ keys: false });
  expect(checkOf(report, 'scrub').reason).toBe(`1 thing is not as stored: damaged ${name}`);
  expect(JSON.stringify(report)).not.toContain('password');
});

it('takes a scrub of a time to come for none', async () => {
  const { health, place, clock } = await world();
  await health.scrub();
  const behind = await openAt(place, {
    clock: {
      now: () => clock.now() - DAY,
      uptime: () => clock.uptime(),
      sleep: (time, signal, options) => clock.sleep(time, signal, options),
    },
  });
  expect(checkOf(await new Health(behind).check(), 'scrub')).toMatchObject({
    status: 'degraded',
    reason: expect.stringContaining('24 h'),
    advice: expect.stringContaining('clocks'),
  });
});
