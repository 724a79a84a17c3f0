import { createFaultInjector } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import type { ObjectStore, StoreSettings } from '../../src/index.ts';
import { openOrCreateObjectStore } from '../../src/index.ts';
import { extensionsOf } from '../../src/internal.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { reviseHead } from '../support/heads.ts';
import { memoryPlace } from '../support/places.ts';
import { atEnd, createAt, failure, openAt, patterned, UNLOCK, usePlace } from '../support/stores.ts';

const LARGE = patterned(200 * 1024, 5);

function world(): { readonly clock: EagerClock; readonly place: Place } {
  const clock = new EagerClock();
  return { clock, place: usePlace(() => memoryPlace(() => clock.now())) };
}

async function openOrCreateAt(place: Place, settings: Partial<StoreSettings>): Promise<ObjectStore> {
  const { url } = place;
  const backend = await place.open();
  const store = await openOrCreateObjectStore({ backend, url, unlock: UNLOCK, maintenance: false, ...settings });
  atEnd(() => store.close());
  return store;
}

describe('opening or creating a store that has other settings', () => {
  const MADE = {
    categories: { pii: ['users/*/profile', 'people/**'], prod: ['prod/**'] },
    history: { versions: 5, days: 7 },
    rotation: { days: 90 },
  } as const;

  it.each<readonly [string, Partial<StoreSettings>, string]>([
    ['names', { names: 'plain' }, 'names is "encrypted", not "plain"'],
    ['a suite', { suite: 2 }, 'suite is 1, not 2'],
    ['a history', { history: { versions: 6 } }, 'history.versions is 5, not 6'],
    ['days of a history', { history: { versions: 5, days: 8 } }, 'history.days is 7, not 8'],
    ['an age of keys', { rotation: { days: 91 } }, 'rotation.days is 90, not 91'],
    ['a journal', { journal: true }, 'journal is false, not true'],
    ['other patterns', { categories: { ...MADE.categories, prod: ['live/**'] } }, 'categories is {"pii"'],
    ['a category less', { categories: { pii: MADE.categories.pii } }, 'categories is {"pii"'],
    ['a category under another name', { categories: { pii: MADE.categories.pii, live: ['prod/**'] } }, '"live"'],
  ])('is refused with %s', async (_, asked, told) => {
    const place = usePlace(memoryPlace);
    await (await createAt(place, MADE)).close();
    const { message } = await failure(openOrCreateAt(place, asked), 'INVALID_ARGUMENT');
    expect(message).toContain(told);
  });

  it('tells all that differs', async () => {
    const place = usePlace(memoryPlace);
    await (await createAt(place, MADE)).close();
    const { message } = await failure(
      openOrCreateAt(place, { names: 'plain', history: { versions: 1 } }),
      'INVALID_ARGUMENT',
    );
    expect(message).toContain('names is "encrypted", not "plain"; history.versions is 5, not 1');
  });

  it.each<readonly [string, Partial<StoreSettings>, readonly string[]]>([
    ['what can be changed', { rotation: { days: 1 } }, ['show-settings', 'change-settings']],
    ['what another store has', { suite: 2 }, ['show-settings', 'migrate-reencrypted']],
    ['neither', { journal: true }, ['show-settings']],
  ])('names what changes it: %s', async (_, asked, told) => {
    const place = usePlace(memoryPlace);
    await (await createAt(place, MADE)).close();
    const { message, advice } = await failure(openOrCreateAt(place, asked), 'INVALID_ARGUMENT');
    expect(message).toContain(': the store already exists with other settings: ');
    expect(advice?.map(({ id }) => id)).toEqual(told);
  });

  it('is refused where the order of patterns decides about a name', async () => {
    const place = usePlace(memoryPlace);
    const made = { all: ['team/**'], own: ['team/*/own'] };
    await (await createAt(place, { categories: made })).close();
    await failure(openOrCreateAt(place, { categories: { own: made.own, all: made.all } }), 'INVALID_ARGUMENT');
  });

  it('opens it where they are the same, are not given, or mean the same', async () => {
    const place = usePlace(memoryPlace);
    await (await createAt(place, MADE)).close();
    const { pii, prod } = MADE.categories;
    const same: readonly Partial<StoreSettings>[] = [
      {},
      MADE,
      { history: { days: 7 } },
      { names: 'encrypted', suite: 1, journal: false },
      { categories: { prod: [...prod, ...prod], pii: pii.toReversed() } },
      { categories: { pii, prod: 'prod/**' as never } },
    ];
    for (const settings of same) await (await openOrCreateAt(place, settings)).close();
  });

  it('opens one whose journal something reads', async () => {
    const place = usePlace(memoryPlace);
    const made = await createAt(place, { journal: true });
    await made.close();
    await openOrCreateAt(place, { journal: false });
  });
});

describe('the settings of a store', () => {
  it('are read as they were given, with defaults', async () => {
    const store = await createAt(usePlace(memoryPlace), { categories: { pii: ['users/**'] }, history: { days: 3 } });
    expect(await store.settings.get()).toEqual({
      version: expect.stringMatching(/^[0-9a-v]{26}$/),
      categories: { pii: ['users/**'] },
      history: { versions: 10, days: 3 },
      rotation: { days: 0 },
      names: 'encrypted',
      suite: 1,
      journal: false,
    });
  });

  it('are changed, and followed by other processes', async () => {
    const { clock, place } = world();
    const [store, other] = [await createAt(place, { clock }), await openAt(place, { clock })];
    const { version } = await store.settings.get();
    const changed = await store.settings.change({ history: { versions: 1, days: 0 }, rotation: { days: 30 } });
    expect(changed).toMatchObject({ history: { versions: 1, days: 0 }, rotation: { days: 30 } });
    expect(changed.version).not.toBe(version);
    expect(await other.settings.get()).toEqual(changed);
    expect(await store.settings.change({ history: { days: 2 } })).toMatchObject({ history: { versions: 1, days: 2 } });
    for (let n = 0; n < 4; n++) await other.store('k', String(n));
    await clock.sleep(3 * 24 * 60 * 60 * 1000);
    await other.gc();
    expect((await other.history('k')).length).toBe(2);
  });

  it('are changed only while they have the version that is asked for', async () => {
    const store = await createAt(usePlace(memoryPlace));
    const { version } = await store.settings.get();
    const changed = await store.settings.change({ history: { days: 1 } }, { ifVersion: version });
    const error = await failure(store.settings.change({ history: { days: 2 } }, { ifVersion: version }), 'CONFLICT');
    expect(error.currentVersion).toBe(changed.version);
    await failure(store.settings.change({ categories: { a: ['a/**'] } }, { ifVersion: version }), 'CONFLICT');
    expect(await store.settings.get()).toEqual(changed);
  });

  it.each<readonly [string, unknown, unknown]>([
    ['what is decided for good', { names: 'plain' }, {}],
    ['a suite', { suite: 2 }, {}],
    ['a setting that there is not', { histroy: {} }, {}],
    ['nothing', null, {}],
    ['a negative number', { history: { versions: -1 } }, {}],
    ['a pattern that is none', { categories: { a: ['a//b'] } }, {}],
    ['a category without patterns', { categories: { a: [] } }, {}],
    ['a name with a letter that nobody sees', { categories: { 'pii\u3164': ['a'] } }, {}],
    ['patterns of the default category', { categories: { default: ['a'] } }, {}],
    ['a version that is undefined', { history: { days: 1 } }, { ifVersion: undefined }],
    ['an option that there is not', { history: { days: 1 } }, { ifGeneration: 1 }],
  ])('are not changed by %s', async (_, changes, options) => {
    const store = await createAt(usePlace(memoryPlace));
    const before = await store.settings.get();
    await failure(store.settings.change(changes as never, options as never), 'INVALID_ARGUMENT');
    expect(await store.settings.get()).toEqual(before);
  });
});

describe('categories', () => {
  it('are added for names that are to come, in all processes', async () => {
    const { clock, place } = world();
    const [store, other] = [await createAt(place, { clock }), await openAt(place, { clock })];
    await store.store('db/user', 'x');
    const changed = await store.settings.change({ categories: { pii: ['users/**'] } });
    expect(changed.categories).toEqual({ pii: ['users/**'] });
    expect(await store.store('users/1', 'a')).toMatchObject({ category: 'pii' });
    expect((await other.retrieve('users/1')).info.category).toBe('pii');
    expect(await other.store('users/2', LARGE)).toMatchObject({ category: 'pii' });
    expect((await store.retrieve('db/user')).info.category).toBe('default');
    const reopened = await openAt(place, { clock });
    expect((await reopened.retrieve('users/2')).data).toEqual(new Uint8Array(LARGE));
    expect(await reopened.verify({ payloads: true })).toMatchObject({ ok: true });
    expect(await reopened.matches('users/2', LARGE)).toBe(true);
  });

  it('keep their keys when they are left out, and when they come back', async () => {
    const { clock, place } = world();
    const store = await createAt(place, { clock, categories: { pii: ['users/**'], old: ['old/**'] } });
    const keys = await store.encryptionKeys.list();
    await store.store('users/1', 'a');
    expect((await store.settings.change({ categories: { pii: ['users/**'] } })).categories).toEqual({
      pii: ['users/**'],
      old: [],
    });
    expect(await store.store('old/1', 'a')).toMatchObject({ category: 'default' });
    expect(await store.encryptionKeys.list()).toEqual(keys);
    await store.settings.change({ categories: { pii: ['users/**', 'people/**'], old: [] } });
    expect(await store.store('people/1', 'a')).toMatchObject({ category: 'pii' });
    expect((await store.retrieve('users/1')).text()).toBe('a');
  });

  const PII = { pii: ['users/**'] };
  const WIDE = { wide: ['users/*', '*/own'] };
  it.each<readonly [string, Record<string, readonly string[]>, Record<string, readonly string[]>]>([
    ['added over an object', PII, { ...PII, team: ['team/**'] }],
    ['taken from an object', PII, {}],
    ['in another order, where that decides', { ...WIDE, ...PII }, { ...PII, ...WIDE }],
  ])('[C-05] are not changed where patterns are %s', async (_, categories, changed) => {
    const { clock, place } = world();
    const store = await createAt(place, { clock, categories });
    await store.store('users/1', 'a');
    await store.store('team/1', 'a');
    await store.delete('team/1');
    const before = await store.settings.get();
    const { message, key } = await failure(store.settings.change({ categories: changed }), 'CONFLICT');
    const isDeleted = key === 'team/1';
    expect(message).toContain(
      isDeleted ? `"${key}" was deleted from the category "default"` : `"${key}" is in the category`,
    );
    expect(message.includes('which keeps that for 30 days')).toBe(isDeleted);
    expect(key).toMatch(/^(users|team)\/1$/);
    expect(await store.settings.get()).toEqual(before);
    expect((await store.retrieve('users/1')).text()).toBe('a');
  });

  it('are not changed while the store is moved or rotated, but its history is', async () => {
    const { clock, place } = world();
    const store = await createAt(place, { clock });
    const rotation = { depth: 'keys', id: Buffer.alloc(16, 3) } as const;
    await reviseHead(place, (head) => ({ ...head, rotation, generation: head.generation + 1 }));
    expect(await failure(store.settings.change({ categories: { a: ['a/**'] } }), 'LOCKED')).toMatchObject({
      reason: 'rotating',
    });
    await reviseHead(place, (head) => ({ ...head, rotation: undefined, generation: head.generation + 1 }));
    await extensionsOf(store).migration.begin('memory:elsewhere', false);
    expect(await failure(store.settings.change({ categories: { a: ['a/**'] } }), 'LOCKED')).toMatchObject({
      reason: 'migrating',
    });
    await store.settings.change({ history: { days: 1 } });
  });

  it('[C-06] make a process that was idle seal what it writes into the category of now', async () => {
    const { clock, place } = world();
    const [store, idle] = [await createAt(place, { clock }), await openAt(place, { clock })];
    await idle.store('k', 'x');
    await store.settings.change({ categories: { pii: ['users/**'] } });
    // It has not looked at the head since, and writes before it does.
    expect(await idle.store('users/small', 'a')).toMatchObject({ category: 'pii' });
    const again = await openAt(place, { clock });
    await store.settings.change({ categories: { pii: ['users/**'], team: ['team/**'] } });
    expect(await again.store('team/large', LARGE)).toMatchObject({ category: 'team' });
    for (const [key, data] of [
      ['users/small', 'a'],
      ['team/large', LARGE],
    ] as const) {
      expect(await store.matches(key, data)).toBe(true);
      expect((await idle.retrieve(key)).data.length).toBe(data.length);
    }
    expect(await store.verify({ payloads: true })).toMatchObject({ ok: true });
  });

  it('make a process that was idle read what others have stored since', async () => {
    const { clock, place } = world();
    const categories = { one: ['one/**'], two: ['two/**'] };
    const [store, idle] = [await createAt(place, { clock, categories }), await openAt(place, { clock })];
    await store.settings.change({ categories: { one: ['one/**'], two: ['two/**', 'three/**'] } });
    await store.store('three/a', 'x');
    expect((await idle.retrieve('three/a')).text()).toBe('x');
  });

  it('change under a stream that is being stored', async () => {
    const { clock, place } = world();
    const [store, other] = [await createAt(place, { clock }), await openAt(place, { clock })];
    const half = LARGE.subarray(0, 100 * 1024);
    async function* source(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(half);
      await other.settings.change({ categories: { pii: ['users/**'] } });
      await clock.sleep(3000);
      await store.has('k');
      yield new Uint8Array(LARGE.subarray(half.length));
    }
    expect(await store.store('users/1', source())).toMatchObject({ category: 'pii' });
    expect(await other.matches('users/1', LARGE)).toBe(true);
    expect(await other.verify({ payloads: true })).toMatchObject({ ok: true });
  });

  it('are not changed where an object came while the names were looked through', async () => {
    const { clock, place } = world();
    const other = await openAt(await furnished(place, clock), { clock });
    const listed = Promise.withResolvers<void>();
    const injector = createFaultInjector((call) => {
      if (call.operation === 'list') listed.resolve();
      return undefined;
    });
    const store = await openAt(place, { clock, layers: [injector.layer] });
    const changing = store.settings.change({ categories: { pii: ['users/**'] } });
    await listed.promise;
    await other.store('users/1', 'a').catch(() => undefined);
    const outcome = await changing.then(
      () => 'changed',
      (error: { code: string }) => error.code,
    );
    const { category } = await other.info('users/1');
    expect([outcome, category]).toEqual(outcome === 'changed' ? ['changed', 'pii'] : ['CONFLICT', 'default']);
    expect(await other.verify()).toMatchObject({ ok: true });
  });

  it('that were being changed by a process that died are as before, once somebody has waited', async () => {
    const { clock, place } = world();
    const other = await openAt(await furnished(place, clock), { clock });
    let heads = 0;
    const injector = createFaultInjector(({ operation, key }) =>
      operation === 'write' && key === 'store' && ++heads === 2 ? { type: 'kill-before' } : undefined,
    );
    const dying = await openAt(place, { clock, layers: [injector.layer] });
    void dying.settings.change({ categories: { pii: ['users/**'] } }).catch(() => undefined);
    await injector.killed;
    expect(await other.store('users/1', 'a')).toMatchObject({ category: 'default' });
    expect((await other.settings.get()).categories).toEqual({});
    expect((await other.settings.change({ categories: { team: ['team/**'] } })).categories).toEqual({
      team: ['team/**'],
    });
  });
});

async function furnished(place: Place, clock: EagerClock): Promise<Place> {
  await (await createAt(place, { clock })).close();
  return place;
}
