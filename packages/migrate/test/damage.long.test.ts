import { forwardTo } from '@securestore/backend-api';
import type { Layer } from '@securestore/backend-api';
import { AREAS, historyPrefix, objectName, splitUnderToken } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { flipped } from '../../objects/test/support/attacker.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, patterned, readRange, usePlace } from '../../objects/test/support/stores.ts';
import { contentsOf, move, mover } from './support/moves.ts';
import type { Scene } from './support/scene.ts';
import { damage, sceneWith } from './support/scene.ts';

const LARGE = 9 * 1024 * 1024;

/** The current record of the object that a version was of. */
const ofObject = (name: string): string => objectName(splitUnderToken(AREAS.history, name)?.token ?? '');

/** A store with an object of two parts, and a small one. */
const scene = (): Promise<Scene> => sceneWith(LARGE);

/** The second part of the only payload. */
async function part({ atFrom }: Scene): Promise<string> {
  const [, second = ''] = await atFrom.names(AREAS.blobs);
  return second;
}

async function expectSound(place: Place, clock: EagerClock): Promise<void> {
  const store = await openAt(place, { clock });
  expect(await store.verify({ payloads: true })).toMatchObject({ findings: [] });
  expect(patterned(LARGE, 3).equals((await store.retrieve('large')).data)).toBe(true);
  await store.close();
}

describe('a payload that is damaged in the store', () => {
  // T-MIGRATE-08
  it('keeps it where it is, and is named', async () => {
    const all = await scene();
    const { clock, from, to, store, atFrom } = all;
    const name = await part(all);
    const sound = await atFrom.get(name);
    await damage(atFrom, name);
    const report = await move(from, to, { clock });
    expect(report).toMatchObject({
      migrated: false,
      failures: 1,
      failed: [{ name, key: 'large', code: 'INTEGRITY', message: expect.stringContaining('does not decrypt') }],
    });
    expect((await store.retrieve('small')).text()).toBe('value');

    // Once it is repaired, the same call goes on, and the damaged one that lies there is mended.
    await atFrom.put(name, sound);
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0, corrected: 1 });
    await expectSound(to, clock);
  });

  it('comes along as it is where the store moves all the same', async () => {
    const all = await scene();
    const { clock, from, to, atFrom } = all;
    const name = await part(all);
    await damage(atFrom, name);
    for (const partial of [undefined, true]) {
      const report = await move(from, to, { clock, partial });
      expect(report).toMatchObject({ migrated: partial === true, failures: 1, failed: [{ name, code: 'INTEGRITY' }] });
    }
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
    const moved = await openAt(to, { clock });
    await failure(moved.retrieve('large'), 'INTEGRITY');
    expect(await readRange(moved, 'large', { start: 0, end: 9 })).toEqual(patterned(LARGE, 3).subarray(0, 9));
  });

  // T-MIGRATE-08
  it('is found in what comes while the store moves', async () => {
    const { clock, from, to, store } = await scene();
    const known = new Set((await contentsOf(from)).keys());
    const damaging: Layer = (inner) =>
      forwardTo(inner, {
        async read(name, options) {
          const found = await inner.read(name, options);
          if (found === undefined || known.has(name) || !name.startsWith(AREAS.blobs)) return found;
          return { ...found, body: flipped(Buffer.from(found.body), 5000) };
        },
      });
    const { store: source, job } = await mover(from, to, { clock, fromLayers: [damaging] });
    for (let n = 0; n < 100; n++) {
      await clock.sleep(100);
      if (n === 30) await store.store('later', patterned(100_000, 5));
    }
    expect(await job).toMatchObject({ migrated: false, failures: 1, failed: [{ code: 'INTEGRITY' }] });
    await source.close();
  });

  it('is not looked for where its keys have been destroyed', async () => {
    const clock = new EagerClock();
    const [from, to] = [0, 1].map(() => usePlace(() => memoryPlace(() => clock.now())));
    if (from === undefined || to === undefined) throw new Error('there are two places');
    const store = await createAt(from, { clock, categories: { team: ['team/**'] } });
    await store.store('team/large', patterned(LARGE, 3));
    await store.encryptionKeys.destroy('team');
    const report = await move(from, to, { clock });
    expect(report).toMatchObject({ migrated: true, failures: 0 });
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
  });
});

it('counts each record that is mended on the way back', async () => {
  const { clock, from, to, store, atFrom } = await sceneWith(1000);
  for (let n = 0; n < 38; n++) await store.store(`n/${n}`, `value ${n}`);
  await store.close();
  expect(await move(from, to, { clock })).toMatchObject({ migrated: true });
  for (const name of await atFrom.names(AREAS.objects)) await damage(atFrom, name, 200);
  expect(await move(to, from, { clock })).toMatchObject({ migrated: true, failures: 0, corrected: 40 });
});

describe('a payload that is damaged where the store moves to, and sound where it is', () => {
  // T-MIGRATE-08
  it('is mended when a run goes on', async () => {
    const all = await scene();
    const { clock, from, to, atTo } = all;
    expect(await move(from, to, { clock, copyOnly: true })).toMatchObject({ failures: 0 });
    await damage(atTo, await part(all));
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0, corrected: 1 });
    await expectSound(to, clock);
  });

  // T-MIGRATE-08
  it('is mended on the way back', async () => {
    const all = await scene();
    const { clock, from, to, store, atFrom } = all;
    await store.close();
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true });
    await damage(atFrom, await part(all));
    expect(await move(to, from, { clock })).toMatchObject({ migrated: true, failures: 0, corrected: 1 });
    await expectSound(from, clock);
  });

  it('is the one that counts, where that in the store has been damaged since it was copied', async () => {
    const all = await scene();
    const { clock, from, to, atFrom } = all;
    await move(from, to, { clock, copyOnly: true });
    await damage(atFrom, await part(all));
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0 });
    await expectSound(to, clock);
  });
});

describe('what a store has left behind since it was damaged', () => {
  it('is not removed when it comes back', async () => {
    const { clock, from, to, store, atFrom } = await scene();
    for (let n = 0; n < 3; n++) await store.store('more', `value ${n}`);
    await store.store('purged', 'value');
    await store.store('purged', 'again');
    await store.close();
    const histories = await atFrom.names(AREAS.history);
    const current = (await atFrom.names(AREAS.objects)).find((name) => !histories.map(ofObject).includes(name)) ?? '';
    for (const name of [...histories, current]) await damage(atFrom, name, 100);
    const names = [...histories, current].toSorted();
    const report = await move(from, to, { clock, partial: true });
    expect(report.failed.map(({ name }) => name).toSorted()).toEqual(names);

    const there = await openAt(to, { clock });
    await there.purge('purged');
    await there.close();
    await clock.sleep(60_000);
    for (const partial of [undefined, true]) {
      const back = await move(to, from, { clock, partial });
      expect(back).toMatchObject({ migrated: partial === true, failures: names.length - 1 });
      for (const { code, message } of back.failed)
        expect(`${code} ${message}`).toMatch(/^INTEGRITY .* It was kept there\.$/u);
    }
    const left = await contentsOf(from);
    expect(names.filter((name) => left.has(name))).toHaveLength(names.length - 1);
    const store2 = await openAt(from, { clock });
    expect((await store2.retrieve('more')).text()).toBe('value 2');
    await store2.close();
  });
});

describe('with a checkpoint, a damaged record', () => {
  it('is called damaged, and not gone', async () => {
    const { clock, from, to, store, atFrom } = await scene();
    for (let n = 0; n < 3; n++) await store.store('more', `value ${n}`);
    await clock.sleep(60_000);
    await store.checkpoint();
    const [past = ''] = await atFrom.names(AREAS.history);
    const isOther = (name: string): boolean => !past.startsWith(historyPrefix(name.slice(AREAS.objects.length)));
    const current = (await atFrom.names(AREAS.objects)).find(isOther) ?? '';
    await damage(atFrom, current, 100);
    await damage(atFrom, past, 100);
    const begun = clock.now();
    const report = await move(from, to, { clock, partial: true });
    expect(report.failed.map(({ name, code }) => `${name} ${code}`).toSorted()).toEqual([
      `${past} INTEGRITY`,
      `${current} INTEGRITY`,
    ]);
    // Nothing has to be looked at again that is known to be damaged.
    expect(clock.now() - begun).toBeLessThan(16_000);
  });
});
