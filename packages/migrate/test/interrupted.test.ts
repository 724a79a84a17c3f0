import type { Layer } from '@securestore/backend-api';
import { composeLayers, forwardTo } from '@securestore/backend-api';
import { AREAS, decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import type { ObjectStore, OpenSettings } from '@securestore/objects';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace, withoutBatch } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../objects/test/support/stores.ts';
import { cancelMigration } from '../src/index.ts';
import { following, move, mover, reaching } from './support/moves.ts';

const gone = (): never => {
  throw new SecureStoreError('UNAVAILABLE', 'the test has no connection');
};

/** Something that happens before a head is written, where it is one of a kind. */
function atHead(matches: (head: Head) => boolean, before: () => Promise<unknown> | undefined): Layer {
  return (inner) =>
    withoutBatch(
      forwardTo(inner, {
        async write(key, body, options) {
          if (key === HEAD_NAME && matches(decodeHead(body).head)) await before();
          return inner.write(key, body, options);
        },
      }),
    );
}

const isMoved = ({ state }: Head): boolean => state === 'moved';
const isLanding = ({ state, migration }: Head): boolean => state === 'closing' && migration?.stage === 'copying';

function places(clock: EagerClock): readonly [Place, Place] {
  return [usePlace(() => memoryPlace(() => clock.now())), usePlace(() => memoryPlace(() => clock.now()))];
}

it('nobody works with a store where it has landed before it has left where it was', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const store = await createAt(from, { clock, ...following(to) });
  await store.store('a', 'one');
  const early = async (): Promise<void> => {
    const there = await openAt(to, { clock });
    await failure(there.store('a', 'too early'), 'LOCKED');
    await failure(there.retrieve('a'), 'LOCKED');
  };
  await move(from, to, { clock, fromLayers: [atHead(isMoved, early)] });
  expect((await store.retrieve('a')).text()).toBe('one');
  const there = await openAt(to, { clock });
  await there.store('a', 'two');
  expect((await store.retrieve('a')).text()).toBe('two');
});

it('whoever follows a store opens it in the place to which it has moved, where whoever has moved it has died', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const store = await createAt(from, { clock, ...following(to) });
  await store.store('a', 'one');
  const arriving = atHead(({ state }) => state === 'open', gone);
  const { job, store: source } = await mover(from, to, { clock, toLayers: [arriving] });
  await failure(job, 'UNAVAILABLE');
  await source.close();
  await store.store('a', 'two');
  expect(store.url).toBe(to.url);
  expect(await move(from, to, { clock })).toMatchObject({ migrated: true });
  expect((await (await openAt(to, { clock })).retrieve('a')).text()).toBe('two');
});

it('moves to where an attempt has landed that came to nothing', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const store = await createAt(from, { clock, ...following(to) });
  await store.store('a', 'one');
  const { job, store: source } = await mover(from, to, { clock, fromLayers: [atHead(isMoved, gone)] });
  await failure(job, 'UNAVAILABLE');
  await source.close();
  await store.store('a', 'two');
  expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0 });
  expect((await store.retrieve('a')).text()).toBe('two');
  expect(store.url).toBe(to.url);
});

it.each([['copied'], ['landed']])('moves to where a migration had %s before it was given up', async (how) => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const store = await createAt(from, { clock, ...following(to), ignoreRedirect: true });
  await store.store('a', 'one');
  await store.store('b', 'one');
  const landed = how === 'landed';
  const { job, store: source } = await mover(from, to, {
    clock,
    copyOnly: !landed,
    ...(landed && { fromLayers: [atHead(isMoved, gone)] }),
  });
  await job.catch(() => undefined);
  await cancelMigration(source, reaching(from, to));
  await source.close();
  await store.store('a', 'two');
  await store.purge('b');
  expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0 });
  const there = await openAt(to, { clock });
  expect((await there.retrieve('a')).text()).toBe('two');
  expect(await there.has('b')).toBe(false);
  expect((await there.verify({ payloads: true })).findings).toEqual([]);
});

/** A store whose changes of objects are answered only after it has moved. @param isBlind whether it can't look at what is there when it has */
async function overtaken(
  clock: EagerClock,
  isBlind: boolean,
): Promise<{ store: ObjectStore; armed: () => void; to: Place }> {
  const [from, to] = places(clock);
  let armed = false;
  const blind: Layer = (inner) =>
    forwardTo(inner, {
      read: async (key, options) =>
        isBlind && armed && key.startsWith(AREAS.objects) ? gone() : inner.read(key, options),
    });
  const slow: Layer = (inner) =>
    withoutBatch(
      forwardTo(inner, {
        async write(key, body, options) {
          const written = await inner.write(key, body, options);
          if (armed && key.startsWith(AREAS.objects)) await move(from, to, { clock });
          return written;
        },
      }),
    );
  const targets: OpenSettings['targets'] = {
    urls: [to.url],
    connect: async (url) => ({ backend: composeLayers(await to.open(), [blind]), url }),
  };
  await (await createAt(from, { clock })).close();
  const store = await openAt(from, { clock, layers: [slow], targets });
  return { store, armed: () => void (armed = true), to };
}

it.each<readonly [string, (store: ObjectStore) => Promise<unknown>]>([
  ['a write', (store) => store.store('a', 'two')],
  ['a deletion', (store) => store.delete('a')],
  ['a purge', (store) => store.purge('a')],
])('%s that took effect where the store was is not said to have failed where it is now', async (_, change) => {
  const clock = new EagerClock();
  const { store, armed } = await overtaken(clock, true);
  await store.store('a', 'one');
  armed();
  expect(await failure(change(store), 'UNAVAILABLE')).toMatchObject({ outcome: 'unknown' });
});

it('a purge that took effect where the store was says where it is now what it has removed', async () => {
  const clock = new EagerClock();
  const { store, armed, to } = await overtaken(clock, false);
  await store.store('a', 'one');
  armed();
  expect(await store.purge('a')).toBe(true);
  const there = await openAt(to, { clock });
  expect((await there.history('a')).map(({ deleted }) => deleted)).toEqual([true]);
});

// What comes while an object is looked at once more: races.test.ts.
it('brings every version along, whatever comes while others are looked for', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const store = await createAt(from, { clock, ...following(to) });
  await store.store('a', '1');
  let stage: 'copying' | 'announced' | 'done' = 'copying';
  const busy: Layer = (inner) =>
    withoutBatch(
      forwardTo(inner, {
        async write(key, body, options) {
          const written = await inner.write(key, body, options);
          if (key === HEAD_NAME && decodeHead(body).head.migration?.stage === 'announced' && stage === 'copying') {
            stage = 'announced';
            await store.store('a', '2');
            await store.store('a', '3');
          }
          return written;
        },
        async list(prefix, options) {
          const listed = await inner.list(prefix, options);
          const isLook = stage === 'announced' && prefix.startsWith(AREAS.history) && prefix !== AREAS.history;
          if (isLook) {
            stage = 'done';
            await store.store('a', '4');
            await store.store('a', '5');
          }
          return listed;
        },
      }),
    );
  expect(await move(from, to, { clock, fromLayers: [busy] })).toMatchObject({ migrated: true, failures: 0 });
  expect(stage).toBe('done');
  const there = await openAt(to, { clock });
  const versions = (await there.history('a')).map(({ version }) => version);
  const texts = await Promise.all(versions.map(async (version) => (await there.retrieve('a', { version })).text()));
  expect(texts).toEqual(['5', '4', '3', '2', '1']);
});

it('an idle process looks for a version where the store is now before it says that there is none', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const idle = await createAt(from, { clock, ...following(to) });
  await move(from, to, { clock });
  const there = await openAt(to, { clock });
  const { version } = await there.store('a', 'one');
  await there.store('a', 'two');
  await clock.sleep(10_000);
  await idle.restoreVersion('a', version);
  expect((await there.retrieve('a')).text()).toBe('one');
});

/** Follows to a place from which, meanwhile, the store moves back and comes again. */
function overtakenMoves(clock: EagerClock, [from, to]: readonly [Place, Place]): OpenSettings['targets'] {
  let isFirst = true;
  return {
    urls: [from.url, to.url],
    async connect(url) {
      if (isFirst) {
        isFirst = false;
        await move(to, from, { clock });
        await move(from, to, { clock });
      }
      return { backend: await (url === to.url ? to : from).open(), url };
    },
  };
}

it('opens a store that moves again while it is followed', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  await (await createAt(from, { clock })).store('a', 'one');
  await move(from, to, { clock });
  const store = await openAt(from, { clock, targets: overtakenMoves(clock, [from, to]) });
  expect((await store.retrieve('a')).text()).toBe('one');
  expect(store.url).toBe(to.url);
});

it('does not take a store that moves again while it is followed for an older one', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const store = await createAt(from, { clock, targets: overtakenMoves(clock, [from, to]) });
  await store.store('a', 'one');
  await move(from, to, { clock });
  await clock.sleep(10_000);
  expect((await store.retrieve('a')).text()).toBe('one');
  expect(store.url).toBe(to.url);
});

it('who opens a store where it has landed finds it where it still is', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const store = await createAt(from, { clock, ...following(to) });
  await store.store('a', 'one');
  const { job } = await mover(from, to, { clock, fromLayers: [atHead(isMoved, gone)] });
  await failure(job, 'UNAVAILABLE');
  const there = await openAt(to, { clock, ...following(from, to) });
  expect(there.url).toBe(from.url);
  await there.store('a', 'two');
  expect((await store.retrieve('a')).text()).toBe('two');
});

it('a migration is neither given up nor begun where it has only landed', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  const store = await createAt(from, { clock });
  await store.store('a', 'one');
  const { job } = await mover(from, to, { clock, fromLayers: [atHead(isMoved, gone)] });
  await failure(job, 'UNAVAILABLE');
  const landed = await openAt(to, { clock, ignoreRedirect: true });
  await failure(cancelMigration(landed, reaching(from, to)), 'LOCKED');
  await failure(move(to, from, { clock }), 'LOCKED');
  await store.store('a', 'two');
  expect(await move(from, to, { clock })).toMatchObject({ migrated: true });
  expect((await (await openAt(to, { clock })).retrieve('a')).text()).toBe('two');
});

it('who opens a store where it has landed opens it there for everybody once it has left', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  await (await createAt(from, { clock })).store('a', 'one');
  const arriving = atHead(({ state }) => state === 'open', gone);
  const { job } = await mover(from, to, { clock, toLayers: [arriving] });
  await failure(job, 'UNAVAILABLE');
  const stranger = await openAt(to, { clock });
  await failure(stranger.retrieve('a'), 'LOCKED');
  const there = await openAt(to, { clock, ...following(from, to) });
  expect((await there.retrieve('a')).text()).toBe('one');
  expect((await stranger.retrieve('a')).text()).toBe('one');
});

it.each<readonly [string, (store: ObjectStore, signal: AbortSignal) => Promise<unknown>]>([
  ['a write', (store, signal) => store.store('a', 'two', { signal })],
  ['a purge', (store, signal) => store.purge('a', { signal })],
])('%s that is given up while the store is closed may have taken effect', async (_, change) => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  await (await createAt(from, { clock })).store('a', 'one');
  const closed = Promise.withResolvers<void>();
  const slow: Layer = (inner) =>
    withoutBatch(
      forwardTo(inner, {
        async write(key, body, options) {
          const written = await inner.write(key, body, options);
          if (key.startsWith(AREAS.objects)) await closed.promise;
          return written;
        },
      }),
    );
  const store = await openAt(from, { clock, layers: [slow], ...following(to) });
  const given = new AbortController();
  const closing = async (): Promise<void> => {
    const changed = change(store, given.signal);
    // The change has landed, and nobody acknowledges anything any more.
    await clock.sleep(1000);
    closed.resolve();
    await clock.sleep(1000);
    given.abort();
    expect(await failure(changed, 'ABORTED')).toMatchObject({ outcome: 'unknown' });
  };
  await move(from, to, { clock, toLayers: [atHead(isLanding, closing)] });
});

it('fails alone where it can not list either side', async () => {
  const clock = new EagerClock();
  const [from, to] = places(clock);
  await (await createAt(from, { clock })).store('a', 'one');
  await move(from, to, { clock, copyOnly: true });
  let broken = false;
  const failing =
    (turns: number): Layer =>
    (inner) =>
      forwardTo(inner, {
        async list(prefix, options) {
          if (!broken || prefix !== AREAS.objects) return inner.list(prefix, options);
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
          return gone();
        },
      });
  const { job } = await mover(from, to, { clock, fromLayers: [failing(1)], toLayers: [failing(50)] });
  broken = true;
  await failure(job, 'UNAVAILABLE');
  // Whatever nobody waits for has failed by then; the test run reports a rejection that nobody has handled.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
});
