import type { Keyring, KeyState } from '@securestore/core-format';
import { objectName } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { systemClock } from '@securestore/jobs';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { failure, openAt } from '../support/stores.ts';
import type { Workshop } from '../support/workshop.ts';
import { reviseKeyring, workshop } from '../support/workshop.ts';

/** A keyring whose primary versions have become `state`, each with a new primary version after it. */
function superseded(keyring: Keyring, state: KeyState): Keyring {
  const groups = keyring.groups.map((group, index) => ({
    ...group,
    versions: [
      ...group.versions.map((version) => ({ ...version, state: version.state === 'primary' ? state : version.state })),
      {
        id: Buffer.alloc(8, index + 1),
        suite: 1,
        state: 'primary',
        created: 1,
        destroyAt: 0,
        key: Buffer.alloc(32, 0xa0 + index),
      },
    ],
  }));
  return wiped({ ...keyring, groups: groups as Keyring['groups'] });
}

/** A keyring in which every version of the state `from` has the state `to`. */
function moved(keyring: Keyring, from: KeyState, to: KeyState): Keyring {
  const groups = keyring.groups.map((group) => ({
    ...group,
    versions: group.versions.map((version) => ({ ...version, state: version.state === from ? to : version.state })),
  }));
  return wiped({ ...keyring, groups });
}

/** What is destroyed has no key. */
function wiped(keyring: Keyring): Keyring {
  const groups = keyring.groups.map((group) => ({
    ...group,
    versions: group.versions.map((version) => ({
      ...version,
      key: version.state === 'destroyed' ? Buffer.alloc(32) : version.key,
    })),
  }));
  return { ...keyring, groups };
}

const READS: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['retrieve', (store) => store.retrieve('k')],
  ['info', (store) => store.info('k')],
  ['has', (store) => store.has('k')],
  ['history', (store) => store.history('k')],
  ['entries', (store) => Array.fromAsync(store.entries())],
  ['setMetadata', (store) => store.setMetadata('k', {})],
];

/** The machine's clocks, but no two versions are of one millisecond: what is put back could take the version of another. */
function growingClock(): Clock {
  const real = systemClock();
  let last = 0;
  return { ...real, now: () => (last = Math.max(real.now(), last + 1)) };
}

/** A store with one object of one version. */
async function withObject(): Promise<Workshop> {
  const shop = await workshop();
  await shop.store.store('k', 'one');
  return shop;
}

async function recordAt({ backend, locate }: Workshop, key: string): Promise<Uint8Array> {
  const found = await backend.read(objectName(locate(key).token));
  return found?.body ?? expect.fail('no record');
}

describe('[R-07] a current record', () => {
  it('is read under a key version that is enabled, and sealed anew under the primary one', async () => {
    const shop = await withObject();
    const { keyVersion } = await shop.store.info('k');
    await reviseKeyring(shop, (keyring) => superseded(keyring, 'enabled'));
    const store = await openAt(shop.place);
    expect((await store.retrieve('k')).text()).toBe('one');
    expect((await store.info('k')).keyVersion).toBe(keyVersion);
    expect((await store.setMetadata('k', {})).keyVersion).not.toBe(keyVersion);
  });

  it.each([
    ['disabled', 'INTEGRITY'],
    ['destroyed', 'KEY_DESTROYED'],
  ] as const)(
    'under a key version that is %s is %s for every call that needs it; store, delete and purge replace it',
    async (state, code) => {
      const shop = await withObject();
      await reviseKeyring(shop, (keyring) => superseded(keyring, state));
      const store = await openAt(shop.place, { clock: growingClock() });
      for (const [, call] of READS) await failure(call(store), code);
      // A new object has nothing to do with it.
      await store.store('other', 'x');
      const [name, old] = [objectName(shop.locate('k').token), await recordAt(shop, 'k')];
      for (const replace of ['store', 'delete', 'purge'] as const) {
        await shop.backend.write(name, old);
        if (replace === 'store') await store.store('k', 'x');
        else expect(await store[replace]('k')).toBe(replace === 'purge');
        await store.store('k', 'anew');
        expect((await store.retrieve('k')).text()).toBe('anew');
      }
    },
  );

  it('of a deletion under a disabled key version is INTEGRITY too', async () => {
    const shop = await withObject();
    await shop.store.delete('k');
    await reviseKeyring(shop, (keyring) => superseded(keyring, 'disabled'));
    const store = await openAt(shop.place);
    await failure(store.has('k'), 'INTEGRITY');
    await failure(store.undelete('k'), 'INTEGRITY');
  });
});

describe('[R-07] a record of the history', () => {
  it.each([
    ['disabled', 'INTEGRITY'],
    ['destroyed', 'KEY_DESTROYED'],
  ] as const)('under a key version that is %s is %s, and the versions beside it are read', async (state, code) => {
    const shop = await withObject();
    const first = await shop.store.info('k');
    const second = await shop.store.store('k', 'two');
    await reviseKeyring(shop, (keyring) => superseded(keyring, 'enabled'));
    const rotating = await openAt(shop.place);
    // What goes to the history is wrapped anew on the way: the second version, and not the first, which lies there.
    const third = await rotating.store('k', 'three');
    expect((await rotating.retrieve('k', { version: first.version })).text()).toBe('one');
    await reviseKeyring(shop, (keyring) => moved(keyring, 'enabled', state));
    const store = await openAt(shop.place);
    expect((await store.retrieve('k')).text()).toBe('three');
    expect((await store.retrieve('k', { version: third.version })).text()).toBe('three');
    expect((await store.retrieve('k', { version: second.version })).text()).toBe('two');
    await failure(store.retrieve('k', { version: first.version }), code);
    await failure(store.restoreVersion('k', first.version), code);
    await failure(store.history('k'), code);
  });
});
