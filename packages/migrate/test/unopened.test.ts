import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace, withoutBatch } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../objects/test/support/stores.ts';
import type { MigrateStoreOptions } from '../src/index.ts';
import { cancelMigration, failBackStore } from '../src/index.ts';
import type { Reach } from '../src/online/migration.ts';
import { following, move, mover, reached, reaching } from './support/moves.ts';

const NEW = rawKey(Buffer.alloc(32, 9));

/** Whoever moves the store dies before it opens the store at the new place. */
const dying: Layer = (inner) =>
  withoutBatch(
    forwardTo(inner, {
      async write(key, body, options) {
        if (key === HEAD_NAME && decodeHead(body).head.state === 'open') {
          throw new SecureStoreError('UNAVAILABLE', 'the test has no connection');
        }
        return inner.write(key, body, options);
      },
    }),
  );

const outOfReach: Reach = async () => {
  throw new SecureStoreError('UNAVAILABLE', 'the server does not answer');
};

interface Left {
  readonly clock: EagerClock;
  readonly from: Place;
  readonly to: Place;
}

/** A store that has left one place, and that nobody has opened at the other. */
async function left(options: MigrateStoreOptions): Promise<Left> {
  const clock = new EagerClock();
  const memoryAt = (): Place => usePlace(() => memoryPlace(() => clock.now()));
  const [from, to] = [memoryAt(), memoryAt()];
  await (await createAt(from, { clock })).store('a', 'one');
  const { job, store } = await mover(from, to, { clock, toLayers: [dying], ...options });
  await failure(job, 'UNAVAILABLE');
  await store.close();
  return { clock, from, to };
}

const openSource = ({ from, clock }: Left) => openAt(from, { clock, ignoreRedirect: true });

describe.each<readonly [string, MigrateStoreOptions]>([
  ['moves as it is', {}],
  ['is sealed anew', { reencrypt: { unlock: NEW } }],
])('a store that %s, and whose mover died before it was open at the new place', (_, options) => {
  const ways: Readonly<Record<string, typeof cancelMigration>> = {
    'giving up': cancelMigration,
    'reclaiming it': async (store, reach) => ({ source: store.url, target: await failBackStore(store, reach) }),
  };

  it.each(Object.keys(ways))('is opened again where it was by %s', async (way) => {
    const places = await left(options);
    const { from, to, clock } = places;
    await failure(openAt(from, { clock }), 'LOCKED');
    const source = await openSource(places);
    expect(await ways[way]?.(source, reaching(from, to))).toEqual({ source: from.url, target: to.url });
    await source.close();
    const store = await openAt(from, { clock });
    await store.store('a', 'two');
    expect((await store.retrieve('a')).text()).toBe('two');
    expect((await store.verify({ payloads: true })).findings).toEqual([]);
    const there = await failure(
      openAt(to, { clock, unlock: options.reencrypt?.unlock ?? rawKey(Buffer.alloc(32, 7)) }),
      'INTEGRITY',
    );
    expect(there.message).toContain('no store is here yet');
    expect(there).toMatchObject({ reason: 'incomplete', advice: [{ target: to.url }, {}] });
  });

  it('is at the new place once somebody has opened it there, and then neither way takes it back', async () => {
    const places = await left(options);
    const { from, to, clock } = places;
    expect(await move(from, to, { clock, ...options })).toMatchObject({ migrated: true });
    for (const refused of Object.values(ways)) {
      await failure(refused(await openSource(places), reaching(from, to)), 'CONFLICT');
    }
  });

  it('is not given up while the new place can not be reached', async () => {
    const places = await left(options);
    await failure(cancelMigration(await openSource(places), outOfReach), 'UNAVAILABLE');
    const { from, to, clock } = places;
    expect(await move(from, to, { clock, ...options })).toMatchObject({ migrated: true });
  });
});

it('a store that was taken back moves to the same place later', async () => {
  const places = await left({});
  const { from, to, clock } = places;
  const source = await openSource(places);
  await cancelMigration(source, reaching(to));
  await source.close();
  await (await openAt(from, { clock })).store('a', 'two');
  expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0 });
  expect((await (await openAt(to, { clock })).retrieve('a')).text()).toBe('two');
});

it('a stranger at the new place waits once, and is told which migration goes on', async () => {
  const { from, to, clock } = await left({});
  const store = await openAt(to, { clock });
  const before = clock.now();
  const error = await failure(store.retrieve('a'), 'LOCKED');
  expect(error.message).toContain(`is not open here yet: its migration from ${from.url} has not ended`);
  expect(error).toMatchObject({ reason: 'incomplete', retryable: true });
  expect(error.advice).toEqual([
    { id: 'resume-migration', source: from.url },
    { id: 'cancel-migration', source: from.url },
  ]);
  const waited = clock.now() - before;
  await failure(store.retrieve('a'), 'LOCKED');
  expect(clock.now() - before - waited).toBeLessThan(1000);
  await (await openAt(to, { clock, ...following(from, to) })).retrieve('a');
  expect((await store.retrieve('a')).text()).toBe('one');
});

it('what a store is being sealed anew as is not taken for a drill', async () => {
  const { to, clock } = await left({ reencrypt: { unlock: NEW } });
  const error = await failure(openAt(to, { clock, unlock: NEW }), 'LOCKED');
  expect(error.message).toContain('the store is not open here yet: a migration that re-encrypts it has not ended');
  expect(error).toMatchObject({ reason: 'incomplete', advice: [{ target: to.url }, {}] });
});

it('a migration does not end where nothing lies at the new place any more', async () => {
  const { from, to, clock } = await left({});
  const backend = await reached(to);
  await backend.delete(HEAD_NAME);
  const error = await failure(move(from, to, { clock }), 'CONFLICT');
  expect(error.message).toContain('no store is at the target of its migration');
});
