import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, systemBodyKeyId } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore, RotationDepth } from '../../src/index.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { OpenedEngine } from '../support/engines.ts';
import { engineAt } from '../support/engines.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../support/stores.ts';

/** What rotations replace; the stores are open by another secret. */
const KEY = Buffer.alloc(32, 8);

interface World extends OpenedEngine {
  readonly place: Place;
  readonly clock: EagerClock;
}

async function world(): Promise<World> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.slots.add(KEY);
  await store.store('k', 'one');
  await store.store('k', 'two');
  await store.store('large', patterned(150_000));
  await store.store('gone', 'x');
  await store.delete('gone');
  await store.close();
  return { place, clock, ...(await engineAt(place, clock)) };
}

const rotate = (store: ObjectStore, depth: RotationDepth) => store.rotateEncryptionKey(KEY, KEY, { depth });

describe('a rotation', () => {
  it.each(['unlock', 'keys', 'data'] as const)('to the depth "%s" raises no alarm', async (depth) => {
    const { store } = await world();
    await store.checkpoint();
    await rotate(store, depth);
    expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, baseline: { entries: 3 } });
    expect(await store.checkpoint()).toMatchObject({ objects: 2, deleted: 1, contradicted: 0 });
    expect(await store.verify()).toMatchObject({ ok: true });
  });

  it.each(['keys', 'data'] as const)('to the depth "%s" leaves nothing under the old journal key', async (depth) => {
    const { store, engine } = await world();
    await store.checkpoint();
    const report = await rotate(store, depth);
    expect(report).toMatchObject({ failed: 0, remaining: {} });
    const { entries } = await engine.backend.list(AREAS.checkpoints);
    expect(entries.length).toBeGreaterThan(0);
    for (const { key } of entries) {
      const found = await engine.backend.read(key);
      expect(systemBodyKeyId(found?.body ?? Buffer.alloc(0)).equals(engine.monitor.state.keys.journal.primary.id)).toBe(
        true,
      );
    }
  });

  it('to the depth "keys" keeps what the checkpoint says, and when it was made', async () => {
    const { store, place } = await world();
    await store.checkpoint();
    const before = await store.verify();
    const attacker = await attack(place);
    const [name = ''] = await attacker.names(AREAS.objects);
    const old = await attacker.get(name);
    await attacker.remove(name);
    await rotate(store, 'keys');
    const after = await store.verify();
    expect(after.baseline).toEqual(before.baseline);
    expect(after).toMatchObject({ ok: false, found: 1, findings: [{ kind: 'hidden' }] });
    expect(old.length).toBeGreaterThan(0);
  });

  it('[X-08] to the depth "data" keeps what the checkpoint says while it goes on, and none can be made', async () => {
    const { place, clock } = await world();
    const injector = createFaultInjector();
    const { store } = await engineAt(place, clock, { layers: [injector.layer] });
    await store.checkpoint();
    injector.plan(({ operation, key }) =>
      operation === 'write' && key?.startsWith(AREAS.objects) === true ? { type: 'fail' } : undefined,
    );
    await failure(rotate(store, 'data'), 'UNAVAILABLE');
    injector.plan(undefined);
    const during = await store.verify({ payloads: true });
    expect(during).toMatchObject({ ok: true, baseline: { entries: 3 } });
    const { message } = await failure(store.checkpoint(), 'LOCKED');
    expect(message).toContain('rotation');
    for (const { id } of await store.jobs.list()) if (id.startsWith('rotation')) await store.jobs.resume(id);
    expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, baseline: { entries: 3 } });
  });

  it('makes a checkpoint that is under way begin anew', async () => {
    const { place, clock } = await world();
    const other = await openAt(place, { clock });
    let rotated = false;
    const injector = createFaultInjector(({ operation, key }) => {
      if (rotated || operation !== 'write' || key?.startsWith(AREAS.checkpoints) !== true) return undefined;
      rotated = true;
      return { type: 'delay', until: Promise.resolve(rotate(other, 'keys')).then(() => undefined) };
    });
    const { store, engine } = await engineAt(place, clock, { layers: [injector.layer] });
    await store.checkpoint();
    expect(rotated).toBe(true);
    expect(await store.verify()).toMatchObject({ ok: true, baseline: { entries: 3 } });
    for (const { key } of (await engine.backend.list(AREAS.checkpoints)).entries) {
      const found = await engine.backend.read(key);
      expect(found?.body.length).toBeGreaterThan(0);
    }
  });
});

describe('the keys of a category', () => {
  it('that were destroyed before the first checkpoint leave objects that nobody has brought back', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock, categories: { tokens: ['tokens/**'] } });
    await store.store('tokens/a', 'one');
    await store.store('b', 'one');
    await store.encryptionKeys.destroy('tokens', { waitingPeriod: 0 });
    expect(await store.checkpoint()).toMatchObject({ contradicted: 0 });
    expect(await store.verify()).toMatchObject({ ok: true, unreadable: 1, findings: [] });
    expect(await store.checkpoint()).toMatchObject({ contradicted: 0 });
  });

  it('that were destroyed leave objects that verify counts as unreadable', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock, categories: { tokens: ['tokens/**'] } });
    await store.store('tokens/a', 'one');
    await store.store('b', 'one');
    await store.checkpoint();
    await store.encryptionKeys.destroy('tokens', { waitingPeriod: 0 });
    expect(await store.verify()).toMatchObject({ ok: true, unreadable: 1, objects: 2 });
    expect(await store.checkpoint()).toMatchObject({ objects: 2, contradicted: 0 });
    const attacker = await attack(place);
    const [first = '', second = ''] = await attacker.names(AREAS.objects);
    for (const name of [first, second]) {
      const body = await attacker.get(name);
      await attacker.remove(name);
      expect(await store.verify(), name).toMatchObject({ ok: false, found: 1, findings: [{ kind: 'hidden' }] });
      await attacker.put(name, body);
    }
    expect(await store.verify()).toMatchObject({ ok: true });
  });

  it.each([undefined, 'keys', 'data'] as const)(
    'that were to be destroyed when a checkpoint was made raise no alarm once that is undone (rotation: %s)',
    async (depth) => {
      const clock = new EagerClock();
      const place = usePlace(() => memoryPlace(() => clock.now()));
      const store = await createAt(place, { clock, categories: { tokens: ['tokens/**'] } });
      await store.slots.add(KEY);
      await store.checkpoint();
      await store.store('tokens/a', 'one');
      await store.store('tokens/a', 'two');
      await store.store('tokens/gone', 'one');
      await store.delete('tokens/gone');
      await store.encryptionKeys.destroy('tokens');
      expect(await store.verify()).toMatchObject({ ok: true });
      expect(await store.checkpoint()).toMatchObject({ contradicted: 0 });
      if (depth !== undefined) expect(await rotate(store, depth)).toMatchObject({ contradicted: 0 });
      await store.encryptionKeys.undo('tokens');
      expect((await store.verify()).findings).toEqual([]);
      expect(await store.checkpoint()).toMatchObject({ objects: 1, deleted: 1, contradicted: 0 });
    },
  );

  it('that are to be destroyed hide nothing that is changed or brought back until that is undone', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock, categories: { tokens: ['tokens/**'] } });
    const attacker = await attack(place);
    await store.store('tokens/old', 'one');
    const [old = ''] = await attacker.names(AREAS.objects);
    const record = await attacker.get(old);
    await attacker.remove(old);
    await store.checkpoint();
    await store.checkpoint();
    await store.store('tokens/a', 'one');
    await store.encryptionKeys.destroy('tokens');
    await attacker.put(old, record);
    expect(await store.checkpoint()).toMatchObject({ contradicted: 1 });
    await store.encryptionKeys.undo('tokens');
    expect((await store.verify()).findings).toMatchObject([{ kind: 'unlisted', key: 'tokens/old' }]);
    await attacker.remove(old);
    const [name = ''] = await attacker.names(AREAS.objects);
    const body = await attacker.get(name);
    await attacker.remove(name);
    expect((await store.verify()).findings).toMatchObject([{ kind: 'hidden', name }]);
    await attacker.put(name, body);
    expect(await store.verify()).toMatchObject({ ok: true });
  });
});
