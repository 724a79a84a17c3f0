import { AREAS, objectName, workPrefix } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { attack } from '../support/attacker.ts';
import { scene, tokenOf, versionsAt } from '../support/scenes.ts';

describe('an attack on the journal', () => {
  it('[J-10] that removes a hint is an alarm, and misses nothing', async () => {
    const { world, store, follower, engine } = await scene();
    const attacker = await attack(world.place);
    for (let n = 0; n < 4; n++) await store.store(`k${n}`, 'x');
    const names = await attacker.names(AREAS.journal);
    await attacker.remove(names[1] ?? '');
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'missing-hints', name: names[1] }]);
    expect(follower.consumer.passDue).toBe(true);
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
    expect(follower.alarms).toMatchObject([{ type: 'missing-hints' }, { type: 'unannounced' }]);
    await follower.follow();
    expect(follower.alarms).toHaveLength(2);
  });

  it('[J-10] that removes the last hint is an alarm once the store is closed', async () => {
    const { world, store, follower } = await scene();
    const attacker = await attack(world.place);
    await store.store('k', 'x');
    const [name = ''] = await attacker.names(AREAS.journal);
    await attacker.remove(name);
    await follower.follow();
    expect(follower.alarms).toEqual([]);
    await store.close();
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'missing-hints', name }]);
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt((await world.start()).engine));
  });

  it('[J-10] that removes what was read already is an alarm, once', async () => {
    const { world, store, follower } = await scene();
    await store.store('k', 'x');
    await follower.follow();
    const attacker = await attack(world.place);
    const [name = ''] = await attacker.names(AREAS.journal);
    await attacker.remove(name);
    await follower.follow();
    await follower.follow();
    expect(follower.alarms).toMatchObject([{ type: 'missing-hints', name }]);
  });

  it('that removes the registration of a writer is an alarm', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', 'x');
    await follower.follow();
    await store.store('k', 'y');
    const attacker = await attack(world.place);
    await attacker.remove(await attacker.name(workPrefix('writer')));
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'missing-stream' }]);
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
  });

  it.each([
    ['a hint', AREAS.journal, 'damaged-hint'],
    ['a registration', workPrefix('writer'), 'damaged-writer'],
  ])('that damages %s is an alarm, and misses nothing', async (_what, prefix, type) => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', 'x');
    const attacker = await attack(world.place);
    const name = await attacker.name(prefix);
    const body = await attacker.get(name);
    body.writeUInt8(body.readUInt8(100) ^ 1, 100);
    await attacker.put(name, body);
    await store.store('l', 'x');
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type, name }]);
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
  });

  it('that puts garbage far ahead is an alarm, and hides nothing', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', 'x');
    const attacker = await attack(world.place);
    const name = await attacker.name(AREAS.journal);
    await attacker.put(name.replace(/0$/, '9'), Buffer.alloc(200));
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'damaged-hint' }]);
    await store.store('l', 'x');
    await follower.follow();
    expect(follower.versions()).toEqual(await versionsAt(engine));
  });

  it('that damages a record that was announced is an alarm', async () => {
    const { world, store, follower, engine } = await scene();
    await store.store('k', 'x');
    const attacker = await attack(world.place);
    const name = objectName(tokenOf(engine, 'k'));
    const body = await attacker.get(name);
    body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1);
    await attacker.put(name, body);
    await follower.poll();
    expect(follower.alarms).toMatchObject([{ type: 'damaged-record', name }]);
  });

  it('that puts back, hides or rolls back objects is seen by a pass', async () => {
    const { world, store, follower, engine } = await scene();
    const attacker = await attack(world.place);
    for (const key of ['hidden', 'rolled', 'back']) await store.store(key, '1');
    const old = await attacker.copy();
    await store.store('rolled', '2');
    await follower.follow();
    const at = (key: string): string => objectName(tokenOf(engine, key));
    await attacker.remove(at('hidden'));
    await attacker.put(at('rolled'), old.get(at('rolled')) ?? Buffer.alloc(0));
    follower.known.delete(tokenOf(engine, 'back'));
    await follower.pass();
    const found = follower.alarms.map(({ type, name }) => [name, type]);
    expect(new Map(found as [string, string][])).toEqual(
      new Map([
        [at('hidden'), 'hidden'],
        [at('rolled'), 'rolled-back'],
        [at('back'), 'unannounced'],
      ]),
    );
  });
});
