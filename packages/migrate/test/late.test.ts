import { createFaultInjector, intercept } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace, withoutBatch } from '../../objects/test/support/places.ts';
import { createAt, openAt, usePlace } from '../../objects/test/support/stores.ts';
import { move, mover } from './support/moves.ts';

const inOneGo = (backend: StorageBackend): StorageBackend => backend;

it.each([
  ['in batches', inOneGo],
  ['one by one', withoutBatch],
])(
  'what a run that died has sent %s, and comes late, takes the place of nothing that was written since',
  async (_, how) => {
    const clock = new EagerClock();
    const [from, to] = [usePlace(() => memoryPlace(() => clock.now())), usePlace(() => memoryPlace(() => clock.now()))];
    const store = await createAt(from, { clock });
    for (let n = 0; n < 5; n++) await store.store(`k/${n}`, 'before');
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: sent, resolve: send } = Promise.withResolvers<void>();
    const late: Promise<unknown>[] = [];
    // Its requests are on their way for very long.
    const slow = intercept(() => async (call, run) => {
      const isRecord =
        call.operation === 'batch' || (call.operation === 'write' && call.key?.startsWith('o/') === true);
      if (!isRecord) return run(call.signal);
      send();
      const result = released.then(() => run(undefined));
      late.push(result.catch(() => undefined));
      return result;
    });
    const dead = createFaultInjector();
    const first = await mover(from, to, { clock, fromLayers: [dead.layer], toLayers: [how, slow] });
    void first.job.catch(() => undefined);
    await sent;
    dead.stop();
    // Whoever ran it has died, which shows after a while.
    clock.advance(60_000);
    await store.store('k/1', 'newer');
    await store.close();
    expect(await move(from, to, { clock })).toMatchObject({ moved: true, failures: 0 });
    const there = await openAt(to, { clock });
    await there.store('k/2', 'at the new place');
    release();
    await Promise.all(late);
    expect(late.length).toBeGreaterThan(0);
    expect((await there.retrieve('k/1')).text()).toBe('newer');
    expect((await there.retrieve('k/2')).text()).toBe('at the new place');
    expect(await there.verify()).toMatchObject({ findings: [] });
  },
);
