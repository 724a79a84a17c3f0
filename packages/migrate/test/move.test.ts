import { forwardTo } from '@securestore/backend-api';
import type { Layer } from '@securestore/backend-api';
import { workPrefix } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { hurriedClock } from '../../objects/test/support/hurried-clock.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace, PLACES } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../../objects/test/support/stores.ts';
import { contentsOf, following, move, mover } from './support/moves.ts';
import { LONG, sized } from '../../../tools/campaigns/src/size.ts';

/** How many objects move, and how large the largest is. */
const [OBJECTS, LARGEST] = sized({
  short: [100, 1_200_000],
  full: [300, 9 * 1024 * 1024],
  torture: [300, 9 * 1024 * 1024],
});

const memoryAt = (clock: EagerClock): Place => memoryPlace(() => clock.now());

// In a short run to memory, and to one of the others.
describe.each(PLACES.filter(([name]) => LONG || name !== 'file'))(
  'a store moves from memory to %s',
  (_, makeTarget) => {
    it('with all that is in it, and is opened there by the same secret', async () => {
      // The machine's clock is that of the backend here, so this one may not be far from it.
      const clock = hurriedClock(5);
      const from = usePlace(() => memoryPlace(() => clock.now()));
      const to = usePlace(makeTarget);
      const store = await createAt(from, { clock, categories: { team: ['team/**'] } });
      const large = patterned(LARGEST, 3);
      for (let n = 0; n < OBJECTS; n++) await store.store(`k/${n}`, `value ${n}`, { metadata: { n } });
      for (let n = 0; n < 20; n++) await store.store('k/0', `again ${n}`);
      await store.store('team/large', large);
      await store.store('gone', 'x');
      await store.delete('gone');
      const history = await store.history('k/0');
      const fingerprint = store.fingerprint;
      await store.close();

      const report = await move(from, to, { clock });
      expect(report).toMatchObject({ migrated: true, failures: 0, objects: OBJECTS + 2, findings: [] });

      expect(await contentsOf(to)).toEqual(await contentsOf(from));
      await failure(openAt(from, { clock }), 'LOCKED');
      // On that clock a slow disk has let hours pass.
      const moved = await openAt(to, { clock: new EagerClock(Date.now()), fingerprint });
      expect((await moved.list()).length).toBe(OBJECTS + 1);
      expect((await moved.retrieve('k/7')).text()).toBe('value 7');
      expect((await moved.retrieve('team/large')).data).toEqual(new Uint8Array(large));
      expect(await moved.history('k/0')).toEqual(history);
      await moved.store('k/7', 'new');
      await moved.undelete('gone');
      expect(await moved.verify({ payloads: true })).toMatchObject({ findings: [] });
    });
  },
);

it('an open store follows where it is allowed to, and goes on', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryAt(clock));
  const to = usePlace(() => memoryAt(clock));
  const store = await createAt(from, { clock, ...following(to) });
  const stranger = await openAt(from, { clock });
  await store.store('a', 'one');
  const { job, store: source } = await mover(from, to, { clock });
  const writes = sized({ short: 150, full: 400, torture: 400 });
  for (let n = 0; n < writes; n++) {
    await store.store(`n/${n % 50}`, `value ${n}`);
    if (n % 10 === 0) await clock.sleep(100);
  }
  expect(await job).toMatchObject({ migrated: true, failures: 0 });
  await source.close();
  await store.store('a', 'two');
  expect(store.url).toBe(to.url);
  const there = await openAt(to, { clock });
  expect((await there.retrieve('a')).text()).toBe('two');
  for (let n = writes - 50; n < writes; n++) expect((await there.retrieve(`n/${n % 50}`)).text()).toBe(`value ${n}`);
  await clock.sleep(6000);
  const error = await failure(stranger.retrieve('a'), 'LOCKED');
  expect(error.message).toContain(to.url);
  await failure(stranger.store('a', 'three'), 'LOCKED');
});

it('says that it falls behind where a store is written as fast as it is followed, and comes to its end once it is not', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryAt(clock));
  const to = usePlace(() => memoryAt(clock));
  const store = await createAt(from, { clock, journal: true, ...following(to) });
  const phases = new Set<string>();
  let bursts = 0;
  const writesBefore: Layer = (inner) =>
    forwardTo(inner, {
      async list(prefix, options) {
        if (prefix === workPrefix('writer') && !phases.has('falling behind') && bursts++ < 6) {
          await store.storeMany(Array.from({ length: 1000 }, (_, n) => ({ key: `n/${n}`, data: `${clock.now()}` })));
          clock.advance(30_000);
        }
        return inner.list(prefix, options);
      },
    });
  const { job, store: source } = await mover(from, to, { clock, fromLayers: [writesBefore] });
  for await (const { phase } of job.progress) phases.add(phase);
  expect(await job).toMatchObject({ migrated: true, failures: 0 });
  expect(phases).toContain('falling behind');
  await source.close();
});

it('moves back without losing what was written in between', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryAt(clock));
  const to = usePlace(() => memoryAt(clock));
  const store = await createAt(from, { clock, ...following(from, to) });
  for (let n = 0; n < 100; n++) await store.store(`n/${n}`, 'first');
  expect(await move(from, to, { clock })).toMatchObject({ migrated: true });
  await store.store('n/1', 'second');
  await store.store('new', patterned(200_000, 4));
  await store.delete('n/2');
  await store.purge('n/3');
  const back = await move(to, from, { clock });
  expect(back).toMatchObject({ migrated: true, failures: 0, corrected: 0 });
  expect(back.versions).toBeLessThan(20);
  expect((await store.retrieve('n/1')).text()).toBe('second');
  expect(store.url).toBe(from.url);
  expect(await contentsOf(from)).toEqual(await contentsOf(to));
  const there = await openAt(from, { clock });
  expect((await there.retrieve('new')).data).toEqual(new Uint8Array(patterned(200_000, 4)));
  expect(await there.has('n/2')).toBe(false);
  expect(await there.verify({ payloads: true })).toMatchObject({ findings: [] });
  await failure(openAt(to, { clock }), 'LOCKED');
});
