import { createFaultInjector } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { attacked } from '../support/attacked.ts';
import type { Attacked } from '../support/attacked.ts';
import { failure, openAt } from '../support/stores.ts';

/** A store whose object `k` has lost its newest version, `two`. @returns the version before it */
async function lost(): Promise<Attacked & { readonly older: string }> {
  const all = await attacked();
  const { version } = await all.store.store('k', 'one');
  await all.store.store('k', 'two');
  await all.attacker.remove(await all.attacker.name(AREAS.objects));
  return { ...all, older: version };
}

const textOf = async ({ store }: Attacked): Promise<string> =>
  Buffer.from((await store.retrieve('k')).data).toString('utf8');

/** The kinds and messages of what a verification finds. */
async function findings({ store }: Attacked): Promise<readonly string[]> {
  return (await store.verify()).findings.map(({ kind, message }) => `${kind}: ${message}`);
}

describe('an object that has lost its newest version', () => {
  // T-BACKEND-04
  it('is not undeleted to an older one', async () => {
    const all = await lost();
    const error = await failure(all.store.undelete('k'), 'INTEGRITY');
    expect(error.message).toMatch(
      /^undelete "k": the newest version of the object is missing, though .*Nothing was changed\.$/,
    );
    expect(error.advice).toEqual([
      { id: 'repair-object', key: 'k' },
      { id: 'restore-object', key: 'k' },
      { id: 'restore-version', key: 'k', version: all.older },
    ]);
    await failure(all.store.retrieve('k'), 'NOT_FOUND');
    expect(await all.store.history('k')).toMatchObject([{ version: all.older, current: false }]);
  });

  it('gets the older version that a caller names, with its history, and nothing is found', async () => {
    const all = await lost();
    const { version } = await all.store.restoreVersion('k', all.older);
    expect(await textOf(all)).toBe('one');
    expect((await all.store.history('k')).map((entry) => entry.version)).toEqual([version, all.older]);
    expect(await findings(all)).toEqual([]);
    await all.store.delete('k');
    await all.store.undelete('k');
    expect(await textOf(all)).toBe('one');
    expect(await findings(all)).toEqual([]);
  });

  it('contradicts no checkpoint once a caller has named an older version', async () => {
    const all = await attacked();
    const { version } = await all.store.store('k', 'one');
    await all.store.store('k', 'two');
    await all.store.checkpoint();
    await all.attacker.remove(await all.attacker.name(AREAS.objects));
    expect(await findings(all)).toEqual([expect.stringMatching(/^hidden: /)]);
    await all.store.restoreVersion('k', version);
    expect(await findings(all)).toEqual([]);
    await all.store.checkpoint();
    expect(await findings(all)).toEqual([]);
  });

  it('is found as missing, and no purge is advised if it is stored again', async () => {
    const all = await lost();
    expect(await findings(all)).toEqual([
      'hidden: the object is missing, though it was not deleted: older versions of it exist',
    ]);
    await all.store.store('k', 'three');
    const [found, ...others] = await findings(all);
    expect(found).toMatch(/^resurrected: .* before the object was stored .* restore it from a backup\.$/);
    expect(found).not.toMatch(/purge/i);
    expect(others).toEqual([]);
  });
});

describe('a purged object whose purge is hidden', () => {
  // T-BACKEND-14, T-BACKEND-16
  it('is not undeleted, and stays a finding if a caller names one of its versions', async () => {
    const all = await attacked();
    const { version } = await all.store.store('k', 'one');
    await all.store.store('k', 'two');
    const name = await all.attacker.name(AREAS.history);
    const old = await all.attacker.get(name);
    await all.store.purge('k');
    await all.store.checkpoint();
    await all.attacker.put(name, old);
    await all.attacker.remove(await all.attacker.name(AREAS.objects));
    await failure(all.store.undelete('k'), 'INTEGRITY');
    await all.store.restoreVersion('k', version);
    expect(await findings(all)).toEqual([expect.stringMatching(/^resurrected: /)]);
  });

  it('is purged by another purge, which is advised while nothing was stored since', async () => {
    const all = await attacked();
    await all.store.store('k', 'one');
    await all.store.store('k', 'two');
    const name = await all.attacker.name(AREAS.history);
    const old = await all.attacker.get(name);
    await all.store.purge('k');
    await all.attacker.put(name, old);
    expect(await findings(all)).toEqual([expect.stringMatching(/Another purge removes it\.$/)]);
    await all.store.store('k', 'three');
    expect(await findings(all)).toEqual([expect.stringMatching(/garbage collection removes it once it is old\.$/)]);
  });
});

/** A client that finds no record, before another client stores the object twice. */
async function lateReader(): Promise<Attacked['store']> {
  const { place, clock, store } = await attacked();
  const injector = createFaultInjector();
  const late = await openAt(place, { clock, layers: [injector.layer] });
  const storeTwice = async (): Promise<void> => {
    await store.store('k', 'one');
    await store.store('k', 'two');
  };
  injector.plan(({ operation, key }) => {
    if (operation !== 'list' || key?.startsWith(AREAS.history) !== true) return undefined;
    injector.plan(undefined);
    return { type: 'delay', until: storeTwice() };
  });
  return late;
}

describe('an object that is stored and changed while its history is read', () => {
  it('has lost nothing', async () => {
    await failure((await lateReader()).undelete('k'), 'CONFLICT');
    expect(await (await lateReader()).history('k')).toMatchObject([{ current: true }, { current: false }]);
  });
});
