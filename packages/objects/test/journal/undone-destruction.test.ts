import { AREAS } from '@securestore/core-format';
import { expect, it } from 'vitest';
import type { Change } from '../../src/journal/resolve-hints.ts';
import { openConsumer } from '../../src/journal/open-consumer.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { engineAt } from '../support/engines.ts';
import { memoryPlace } from '../support/places.ts';
import { tokenOf } from '../support/scenes.ts';
import { createAt, usePlace } from '../support/stores.ts';

async function world() {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, journal: true, categories: { tokens: ['tokens/**'] } });
  return { clock, place, store };
}

it.each(['at once', 'after a minute'])(
  'a consumer hears of what it read of while keys were to be destroyed, once that is undone: it looks again %s',
  async (when) => {
    const { clock, place, store } = await world();
    const { engine } = await engineAt(place, clock);
    const consumer = await openConsumer(engine, 'copy');
    await consumer.pass(() => undefined);
    await consumer.commit();
    await store.store('tokens/a', 'one');
    await store.encryptionKeys.destroy('tokens');
    await engine.monitor.refresh();
    expect((await consumer.poll()).changes).toEqual([]);
    await consumer.commit();
    await store.encryptionKeys.undo('tokens');
    if (when !== 'at once') clock.advance(60_000);
    const heard: Change[] = [];
    expect((await consumer.poll()).alarms).toEqual([]);
    expect(consumer.passDue).toBe(true);
    expect(await consumer.pass((change) => void heard.push(change))).toEqual([]);
    await consumer.commit();
    expect(heard.map(({ token }) => token)).toEqual([tokenOf(engine, 'tokens/a')]);
    expect(consumer.passDue).toBe(false);
  },
);

it('a checkpoint that was made while keys were to be destroyed does not keep the next one from what was stored before', async () => {
  const { place, store } = await world();
  await store.store('tokens/a', 'one');
  await store.checkpoint();
  const attacker = await attack(place);
  const name = await attacker.name(AREAS.objects);
  const record = await attacker.get(name);
  await store.store('tokens/a', 'two');
  await store.encryptionKeys.destroy('tokens');
  await store.checkpoint();
  await store.encryptionKeys.undo('tokens');
  await store.checkpoint();
  expect(await store.verify()).toMatchObject({ ok: true });
  await attacker.put(name, record);
  for (const copy of await attacker.names(AREAS.history)) await attacker.remove(copy);
  expect((await store.verify()).findings).toMatchObject([{ kind: 'rolled-back', name }]);
});
