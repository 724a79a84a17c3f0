import { rawKey } from '@securestore/crypto';
import type { StoreSettings } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../../objects/test/support/stores.ts';
import { contentsOf, following, move, mover, reached } from './support/moves.ts';

const NEW = rawKey(Buffer.alloc(32, 9));
const memoryAt = (clock: EagerClock): Place => memoryPlace(() => clock.now());

const CHANGES: readonly (readonly [string, Partial<StoreSettings>, Partial<Omit<StoreSettings, 'unlock'>>])[] = [
  ['suite 1 to suite 2', {}, { suite: 2 }],
  ['suite 2 to suite 1', { suite: 2 }, { suite: 1 }],
  ['plain names to encrypted ones', { names: 'plain' }, { names: 'encrypted' }],
  ['encrypted names to plain ones', {}, { names: 'plain' }],
  ['a new secret, and nothing else', { categories: { team: ['team/**', 'x/*'], other: ['other/**'] } }, {}],
  ['other categories', { categories: { team: ['team/**'] } }, { categories: { small: ['k/*'] } }],
];

describe.each(CHANGES)('a store is sealed anew while it moves: %s', (_, before, after) => {
  it('with everything that is in it, while it is in use', async () => {
    const clock = new EagerClock();
    const [from, to] = [usePlace(() => memoryAt(clock)), usePlace(() => memoryAt(clock))];
    const store = await createAt(from, { clock, ...before, ...following(to) });
    const large = patterned(9 * 1024 * 1024, 3);
    for (let n = 0; n < 40; n++) await store.store(`k/${n}`, `value ${n}`, { metadata: { n } });
    for (let n = 0; n < 5; n++) await store.store('k/0', `again ${n}`, { expires: new Date(clock.now() + 1e12) });
    await store.store('team/large', large);
    await store.setMetadata('team/large', { big: true });
    await store.store('gone', 'x');
    await store.delete('gone');
    await store.store('purged', patterned(100_000, 5));
    await store.store(`long/${'ä'.repeat(400)}`, 'a name that no token tells');

    const { store: source, job } = await mover(from, to, { clock, reencrypt: { unlock: NEW, ...after } });
    for (let n = 0; n < 60; n++) {
      await store.store(`k/${n % 40}`, `meanwhile ${n}`);
      if (n === 20) await store.purge('purged');
      if (n === 30) await store.delete('k/39');
      await clock.sleep(100);
    }
    const histories = new Map<string, unknown>();
    const names = await store.list();
    for (const name of [...names, 'gone']) histories.set(name, await store.history(name));
    expect(await job).toMatchObject({ migrated: true, failures: 0, findings: [] });
    await source.close();

    await failure(openAt(to, { clock }), 'UNLOCK_FAILED');
    const anew = await openAt(to, { clock, unlock: NEW });
    expect(anew.fingerprint).not.toBe(store.fingerprint);
    expect(await anew.list()).toEqual(names);
    for (const [name, history] of histories) expect(await anew.history(name), name).toEqual(history);
    expect((await anew.retrieve('team/large')).data).toEqual(new Uint8Array(large));
    expect((await anew.info('team/large')).metadata).toEqual({ big: true });
    expect(await anew.undelete('gone')).toBeDefined();
    expect((await anew.retrieve(`long/${'ä'.repeat(400)}`)).text()).toBe('a name that no token tells');
    expect(await anew.verify({ payloads: true })).toMatchObject({ findings: [] });

    await clock.sleep(6000);
    const error = await failure(store.retrieve('k/1'), 'LOCKED');
    expect(error.message).toContain('re-encrypted');
    expect((await failure(openAt(from, { clock, ...following(to) }), 'LOCKED')).message).toContain('re-encrypted');
    // Nothing of what was sealed before is there, not even a part of a payload.
    const old = new Set((await contentsOf(from)).values());
    for (const [name, digest] of await contentsOf(to)) expect(old.has(digest), name).toBe(false);
  });
});

it('is gone on with where it was interrupted, and can be given up', async () => {
  const clock = new EagerClock();
  const [from, to] = [usePlace(() => memoryAt(clock)), usePlace(() => memoryAt(clock))];
  const store = await createAt(from, { clock });
  for (let n = 0; n < 30; n++) await store.store(`k/${n}`, `value ${n}`);
  const reencrypt = { unlock: NEW };
  for (const k of [3, 20, 60, 110]) {
    const { store: source, job } = await mover(from, to, { clock, reencrypt });
    void (async () => {
      for (let steps = 0; steps < k; steps++) await clock.sleep(60);
      job.cancel();
    })();
    await job.catch(() => undefined);
    await source.close();
    expect((await store.retrieve('k/1')).text()).toBe('value 1');
    if ((await reached(to)).name === '') break;
  }
  await store.store('k/1', 'newer');
  const report = await move(from, to, { clock, reencrypt });
  expect(report).toMatchObject({ migrated: true, failures: 0 });
  const anew = await openAt(to, { clock, unlock: NEW });
  expect((await anew.retrieve('k/1')).text()).toBe('newer');
  expect(await anew.verify({ payloads: true })).toMatchObject({ findings: [] });
});

it('is not begun where anything lies, or while the store moves as it is', async () => {
  const clock = new EagerClock();
  const [from, to, other] = [memoryAt(clock), memoryAt(clock), memoryAt(clock)].map((place) => usePlace(() => place));
  if (from === undefined || to === undefined || other === undefined) throw new Error('there are three places');
  const store = await createAt(from, { clock });
  await store.store('a', 'b');
  await createAt(other, { clock });
  await failure(move(from, other, { clock, reencrypt: { unlock: NEW } }), 'ALREADY_EXISTS');
  expect(await move(from, to, { clock, copyOnly: true })).toMatchObject({ migrated: false, failures: 0 });
  await failure(move(from, to, { clock, reencrypt: { unlock: NEW } }), 'LOCKED');
});
