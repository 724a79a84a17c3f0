import { createHash } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../../jobs/test/support/clock.ts';
import type { Clock, ObjectStore } from '../../../../src/index.ts';
import { readHead, readKeyring } from '../../../../src/head/store-state.ts';
import { unlockRoot } from '../../../../src/head/unlock/unlock-root.ts';
import { attack } from '../../../support/attacker.ts';
import { EagerClock } from '../../../support/eager-clock.ts';
import type { Place } from '../../../support/places.ts';
import { memoryPlace } from '../../../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../../../support/stores.ts';

const SECRET = Buffer.alloc(32, 7);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SETTLED = 6000;

interface World<C extends Clock> {
  readonly clock: C;
  readonly place: Place;
  readonly store: ObjectStore;
}

/** A store with a category of its own for `users/**`. */
async function world<C extends Clock>(clock: C): Promise<World<C>> {
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, categories: { pii: ['users/**'] } });
  await store.store('users/1', 'personal');
  return { clock, place, store };
}

async function stateOf(store: ObjectStore): Promise<(string | undefined)[]> {
  return (await store.encryptionKeys.list()).filter(({ category }) => category === 'pii').map(({ state }) => state);
}

/** A clock that is ahead of another one, or behind it. */
function shifted(clock: Clock, by: number): Clock {
  return {
    now: () => clock.now() + by,
    uptime: () => clock.uptime(),
    sleep: (milliseconds, signal, options) => clock.sleep(milliseconds, signal, options),
  };
}

/** What a process does with an object of the category. */
const CALLS: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['retrieve', (store) => store.retrieve('users/1')],
  ['retrieveStream', (store) => store.retrieveStream('users/1')],
  ['info', (store) => store.info('users/1')],
  ['has', (store) => store.has('users/1')],
  ['history', (store) => store.history('users/1')],
  ['matches', (store) => store.matches('users/1', 'personal')],
  ['store', (store) => store.store('users/2', 'x')],
  ['setMetadata', (store) => store.setMetadata('users/1', {})],
];

describe('a category that is destroyed', () => {
  it.each([0, DAY].flatMap((waitingPeriod) => CALLS.map(([method, call]) => [waitingPeriod, method, call] as const)))(
    'with a waiting period of %i is used by no process any more when that is reported: %s',
    async (waitingPeriod, _method, call) => {
      const { clock, place, store } = await world(new EagerClock());
      const other = await openAt(place, { clock });
      expect((await other.retrieve('users/1')).text()).toBe('personal');
      const [key] = await store.encryptionKeys.destroy('pii', { waitingPeriod });
      expect(key?.state).toBe(waitingPeriod === 0 ? 'destroyed' : 'destroying');
      // The other process was idle, and hears of it by this very call.
      await failure(call(other), 'KEY_DESTROYED');
    },
  );

  it('without a waiting period loses its keys only when nobody seals anything under them', async () => {
    const { clock, place, store } = await world(new FakeClock());
    const other = await openAt(place, { clock });
    const destroyed = store.encryptionKeys.destroy('pii', { waitingPeriod: 0 });
    await clock.pass(SETTLED - 500);
    expect(await stateOf(other)).toEqual(['destroying']);
    await failure(other.store('users/2', 'x'), 'KEY_DESTROYED');
    await clock.pass(1000);
    expect(await stateOf(other)).toEqual(['destroyed']);
    await clock.pass(SETTLED);
    expect((await destroyed).map(({ state }) => state)).toEqual(['destroyed']);
  });

  it('stays where somebody undoes it meanwhile', async () => {
    const { clock, place, store } = await world(new FakeClock());
    const other = await openAt(place, { clock });
    const destroyed = store.encryptionKeys.destroy('pii', { waitingPeriod: 0 });
    await clock.pass(1000);
    await other.encryptionKeys.undo('pii');
    await clock.pass(2 * SETTLED);
    expect((await destroyed).map(({ state }) => state)).toEqual(['primary']);
    expect((await store.retrieve('users/1')).text()).toBe('personal');
  });
});

/** A backend on which a write of a keyring waits for `until`, and after which its process does nothing more. */
function lateKeyring(until: Promise<void>, onParked: () => void): (inner: StorageBackend) => StorageBackend {
  return (inner) =>
    forwardTo(inner, {
      async write(key, body, options) {
        if (!key.startsWith('k/')) return inner.write(key, body, options);
        onParked();
        await until;
        await inner.write(key, body, options);
        return new Promise(() => undefined);
      },
    });
}

/** What becomes of each keyring at the backend under the root key of now. */
async function keyringsThatOpen(place: Place): Promise<string[]> {
  const backend = await place.open();
  const read = await readHead(backend);
  if (read === undefined) return expect.fail('no head');
  const { root } = await unlockRoot(read.head, UNLOCK);
  const opened: string[] = [];
  for (const name of await (await attack(place)).names('k/')) {
    const digest = createHash('sha256')
      .update((await backend.read(name))?.body ?? '')
      .digest();
    const head = { ...read.head, references: { ...read.head.references, keyring: { name, digest } } };
    await readKeyring(backend, head, root).then(
      () => opened.push(name === read.head.references.keyring?.name ? 'current' : name),
      (error: unknown) => expect(SecureStoreError.is(error, 'INTEGRITY')).toBe(true),
    );
  }
  return opened;
}

/** Keys are being destroyed while the keyring of a slow process, which opens them, is on its way until `land` is called. */
async function whileKeyringIsLate() {
  const { clock, place, store } = await world(new FakeClock());
  const landing = Promise.withResolvers<void>();
  const parked = Promise.withResolvers<void>();
  const slow = await openAt(place, { clock, wrap: lateKeyring(landing.promise, parked.resolve) });
  void slow.encryptionKeys.destroy('pii').catch(() => undefined);
  await parked.promise;
  const destroyed = store.encryptionKeys.destroy('pii', { waitingPeriod: 0 });
  await clock.pass(SETTLED + 500);
  return { clock, place, store, destroyed, land: landing.resolve };
}

describe('a keyring that was on its way while its keys were destroyed', () => {
  it.each([
    ['before others have followed', true],
    ['later', false],
  ])('opens by no secret and head of now, and goes (it lands %s)', async (_when, early) => {
    const { clock, place, store, destroyed, land } = await whileKeyringIsLate();
    expect(await stateOf(store)).toEqual(['destroyed']);
    const names = async (): Promise<number> => (await (await attack(place)).names('k/')).length;
    const landed = async (): Promise<void> => {
      land();
      await clock.pass(250);
      expect(await names()).toBe(2);
      expect(await keyringsThatOpen(place)).toEqual(['current']);
    };
    if (early) await landed();
    await clock.pass(SETTLED);
    await destroyed;
    if (!early) await landed();
    await store.encryptionKeys.destroyDue();
    expect(await names()).toBe(1);
    // Who has the store open follows, as does who opens it anew.
    await store.store('else', 'x');
    expect((await (await openAt(place, { clock })).retrieve('else')).text()).toBe('x');
  });

  // T-REVOKED-05
  it('lands early and is removed by the very call that destroys', async () => {
    const { clock, place, destroyed, land } = await whileKeyringIsLate();
    land();
    await clock.pass(SETTLED);
    await destroyed;
    expect(await (await attack(place)).names('k/')).toHaveLength(1);
  });
});

describe('a waiting period', () => {
  it.each([9, -9])(
    'has passed by the clock of a process %i minutes ahead and by the backend, both',
    async (minutes) => {
      const { clock, place, store } = await world(new EagerClock());
      await store.encryptionKeys.destroy('pii', { waitingPeriod: 30 * MINUTE });
      const other = await openAt(place, { clock: shifted(clock, minutes * MINUTE) });
      clock.advance(30 * MINUTE - SETTLED - 1);
      expect(await other.encryptionKeys.destroyDue()).toEqual({ destroyed: [], inUse: [], pending: [] });
      clock.advance(1 + Math.max(0, -minutes) * MINUTE);
      expect((await other.encryptionKeys.destroyDue()).destroyed).toHaveLength(1);
    },
  );

  it.each([9, -9])('is as long as it was said by a process whose clock is %i minutes ahead', async (minutes) => {
    const { clock, place } = await world(new EagerClock());
    const other = await openAt(place, { clock: shifted(clock, minutes * MINUTE) });
    const [key] = await other.encryptionKeys.destroy('pii', { waitingPeriod: 30 * MINUTE });
    const until = clock.now() - SETTLED + 30 * MINUTE + Math.max(0, minutes) * MINUTE;
    expect(key?.destroyAt).toEqual(new Date(until));
  });

  it.each([9, -9])('of 0 is one by a clock that is %i minutes ahead, too', async (minutes) => {
    const { clock, place } = await world(new EagerClock());
    const other = await openAt(place, { clock: shifted(clock, minutes * MINUTE) });
    await other.encryptionKeys.destroy('pii', { waitingPeriod: 0 });
    expect(await stateOf(other)).toEqual(['destroyed']);
  });

  it('in which keys are rotated and that is undone leaves nothing new under an old key', async () => {
    const { store } = await world(new EagerClock());
    await store.encryptionKeys.destroy('pii', { waitingPeriod: 7 * DAY });
    const before = (await store.encryptionKeys.list()).map(({ id }) => id);
    await store.rotateEncryptionKey(SECRET, SECRET);
    await failure(store.retrieve('users/1'), 'KEY_DESTROYED');
    await store.encryptionKeys.undo('pii');
    expect(await stateOf(store)).toEqual(['enabled', 'primary']);
    await store.store('users/2', 'new');
    expect(before).not.toContain((await store.info('users/2')).keyVersion);
    expect((await store.retrieve('users/1')).text()).toBe('personal');
    // What was passed over is brought along by the next rotation.
    expect(await store.rotateEncryptionKey(SECRET, SECRET)).toMatchObject({ failed: 0, remaining: {} });
    expect(before).not.toContain((await store.info('users/1')).keyVersion);
    expect(await stateOf(store)).toEqual(['disabled', 'disabled', 'primary']);
  });

  it('in which keys are rotated ends for the new ones, too', async () => {
    const { clock, store } = await world(new EagerClock());
    await store.encryptionKeys.destroy('pii', { waitingPeriod: DAY });
    await store.rotateEncryptionKey(SECRET, SECRET);
    clock.advance(DAY);
    expect((await store.encryptionKeys.destroyDue()).destroyed).toHaveLength(2);
    expect(await stateOf(store)).toEqual(['destroyed', 'destroyed']);
    await failure(store.encryptionKeys.undo('pii'), 'KEY_DESTROYED');
  });
});

it('destroying keys is not taken for the new keys of a rotation that was stopped before it made them', async () => {
  const { clock, place, store } = await world(new EagerClock());
  const injector = createFaultInjector(({ operation, key }) =>
    operation === 'write' && key === HEAD_NAME ? { type: 'kill-before' } : undefined,
  );
  const stopped = await openAt(place, { clock, layers: [injector.layer] });
  void stopped.rotateEncryptionKey(SECRET, SECRET).catch(() => undefined);
  await injector.killed;
  clock.advance(MINUTE);
  await store.encryptionKeys.destroy('pii', { waitingPeriod: 0 });
  await failure(store.jobs.resume('rotation'), 'NOT_FOUND');
});
