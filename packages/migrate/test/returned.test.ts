import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { memoryAnchor } from '../../objects/test/support/anchors.ts';
import { attack } from '../../objects/test/support/attacker.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../objects/test/support/stores.ts';
import { following, move } from './support/moves.ts';

/** A store, and a process that has it open and sleeps. */
async function scene() {
  const clock = new EagerClock();
  const place = () => usePlace(() => memoryPlace(() => clock.now()));
  const [here, there] = [place(), place()];
  await (await createAt(here, { clock })).close();
  const anchor = memoryAnchor();
  const sleeper = await openAt(here, { clock, anchor, ...following(here, there) });
  await sleeper.store('k', 'before');
  return { clock, here, there, anchor, sleeper };
}

describe('a process that slept while its store moved', () => {
  // T-MIGRATE-04
  it('away and back goes on where it is, with what was stored meanwhile', async () => {
    const { clock, here, there, anchor, sleeper } = await scene();
    await move(here, there, { clock });
    const elsewhere = await openAt(there, { clock });
    await elsewhere.store('k', 'there');
    await move(there, here, { clock });
    expect((await sleeper.retrieve('k')).text()).toBe('there');
    await sleeper.store('k', 'after');
    expect(sleeper.url).toBe(here.url);
    await sleeper.close();
    const next = await openAt(here, { clock, anchor });
    expect((await next.retrieve('k')).text()).toBe('after');
    expect(await next.history('k')).toHaveLength(3);
  });

  it('away, back and away again goes on there', async () => {
    const { clock, here, there, sleeper } = await scene();
    await move(here, there, { clock });
    await move(there, here, { clock });
    await move(here, there, { clock });
    await sleeper.store('k', 'after');
    expect(sleeper.url).toBe(there.url);
  });

  it('away and back goes on though more has changed there than a head tells', async () => {
    const { clock, here, there, sleeper } = await scene();
    await move(here, there, { clock });
    const elsewhere = await openAt(there, { clock });
    for (let n = 0; n < 18; n++) await elsewhere.slots.add(rawKey(Buffer.alloc(32, 100 + n)));
    await move(there, here, { clock });
    await sleeper.store('k', 'after');
    expect(sleeper.url).toBe(here.url);
  });

  it('away and back is LOCKED if nothing there says so any more', async () => {
    const { clock, here, there, sleeper } = await scene();
    await move(here, there, { clock });
    await move(there, here, { clock });
    await (await attack(there)).restore(new Map());
    const { message } = await failure(sleeper.retrieve('k'), 'LOCKED');
    expect(message).toContain('has been restored or moved since it was opened');
  });

  // T-MIGRATE-04
  it('away and back is not followed to a copy of the place in between', async () => {
    const { clock, here, there, sleeper } = await scene();
    await move(here, there, { clock });
    const between = await (await attack(there)).copy();
    await move(there, here, { clock });
    // What lies here now was never said to have come back as what it is.
    await (await attack(here)).restore(between);
    await failure(sleeper.retrieve('k'), 'LOCKED');
  });
});
