import { createFaultInjector } from '@securestore/backend-api';
import type { KeyGroup } from '@securestore/core-format';
import { splitRecord } from '@securestore/core-format';
import { randomPool } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { commitHead } from '../../src/engine/commit-head.ts';
import { rootOf } from '../../src/head/unlock/owner-keys.ts';
import { rekeySealedObjects } from '../../src/maintenance/keys/rekey-sealed-objects.ts';
import { readKeyring } from '../../src/head/store-state.ts';
import { Follower } from '../support/followers.ts';
import { reviseHead } from '../support/heads.ts';
import { hintsAt, worldOf, writersAt } from '../support/journals.ts';
import { versionsAt } from '../support/scenes.ts';

const random = randomPool();

function renewed(group: KeyGroup): KeyGroup {
  const before = group.versions.map((version) => ({ ...version, state: 'enabled' as const }));
  const fresh = { id: random(8), suite: 1, state: 'primary', created: 0, destroyAt: 0, key: random(32) } as const;
  return { ...group, versions: [...before, fresh] };
}

/** New primary versions of all keys. */
async function renewKeys(engine: Engine): Promise<void> {
  await commitHead(engine, {}, async (state) => {
    const keyring = await readKeyring(engine.backend, state.head, rootOf(state));
    return { keyring: { ...keyring, groups: keyring.groups.map(renewed) } };
  });
}

describe('new keys', () => {
  it('end the stream of a writer, and consumers read what was written under old ones and new ones', async () => {
    const world = await worldOf();
    const { store } = await world.start();
    const { engine } = await world.start();
    const follower = await Follower.open(engine, world.clock);
    await follower.follow();
    await store.store('a', 'x');
    await renewKeys((await world.start()).engine);
    await store.store('b', 'x');
    expect(await writersAt(engine)).toHaveLength(1);
    world.clock.advance(6000);
    await store.store('c', 'x');
    await store.store('d', 'x');
    expect(await writersAt(engine)).toHaveLength(2);
    await follower.follow();
    expect(follower.known.size).toBe(4);
    expect(follower.versions()).toEqual(await versionsAt(engine));
    expect(follower.alarms).toEqual([]);
  });

  it.each(['poll', 'commit', 'heartbeat'] as const)(
    'under which its state is sealed anew leave a consumer as it is: %s',
    async (call) => {
      const world = await worldOf();
      const { store } = await world.start();
      const { engine } = await world.start();
      const follower = await Follower.open(engine, world.clock);
      await follower.follow();
      await store.store('k', 'x');
      await follower.poll();
      const other = await world.start();
      await renewKeys(other.engine);
      await rekeySealedObjects(other.engine, { examined: 0, rotated: 0, failed: 0, failures: [] });
      await follower.consumer[call]();
      await follower.consumer.commit();
      const next = await Follower.open((await world.start()).engine, world.clock);
      await next.follow();
      expect(next.commits).toEqual([]);
      expect([...follower.alarms, ...next.alarms]).toEqual([]);
      expect(next.consumer.passDue).toBe(false);
    },
  );

  it('that come while a mutation is under way make it announce its new envelope too', async () => {
    const world = await worldOf();
    const released = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const injector = createFaultInjector(({ operation, key }) => {
      if (operation !== 'write' || key?.startsWith('o/') !== true) return undefined;
      held.resolve();
      return { type: 'delay', until: released.promise };
    });
    const { store } = await world.start({ layers: [injector.layer] });
    const { engine } = await world.start();
    const follower = await Follower.open(engine, world.clock);
    await follower.follow();
    const storing = store.store('k', 'x');
    await held.promise;
    await renewKeys(engine);
    world.clock.advance(6000);
    released.resolve();
    await storing;
    const hints = await hintsAt(engine);
    expect(hints.map(({ entries }) => entries.length)).toEqual([1, 1]);
    expect(hints[0]?.entries).toEqual(hints[1]?.entries);
    let keyId: string | undefined;
    const { changes } = await follower.consumer.poll();
    for (const { record } of changes) keyId = Buffer.from(splitRecord(record).envelope.keyId).toString('hex');
    expect(keyId).toBe((await store.info('k')).keyVersion);
  });
});

describe('a store that takes no writes any more', () => {
  it('is closed without a word in the journal', async () => {
    const world = await worldOf();
    const { store } = await world.start();
    const { engine } = await world.start();
    await store.store('k', 'x');
    await reviseHead(world.place, (head) => ({ ...head, generation: head.generation + 1, state: 'restoring' }));
    world.clock.advance(6000);
    await store.retrieve('k');
    await store.close();
    expect((await hintsAt(engine)).map(({ kind }) => kind)).toEqual(['hint']);
  });
});
