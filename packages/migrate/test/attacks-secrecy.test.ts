import { AREAS, HEAD_NAME } from '@securestore/core-format';
import { passphrase, rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { attack } from '../../objects/test/support/attacker.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { headAt } from '../../objects/test/support/heads.ts';
import { person } from '../../objects/test/support/members.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, patterned, UNLOCK, usePlace } from '../../objects/test/support/stores.ts';
import type { Bodies, Loot } from '../../objects/test/support/thief.ts';
import { openedBy } from '../../objects/test/support/thief.ts';
import { readKeyring } from '../../objects/src/head/store-state.ts';
import { unlockRoot } from '../../objects/src/head/unlock/unlock-root.ts';
import { following, move, mover } from './support/moves.ts';

const NEW = rawKey(Buffer.alloc(32, 9));
const PHRASE = 'canary-of-the-new-passphrase';

const memoryAt = (clock: EagerClock): Place => usePlace(() => memoryPlace(() => clock.now()));

/** What somebody has who had the keyring of a store at some time. */
async function keyringOf(place: Place): Promise<Loot> {
  const backend = await place.open();
  const head = await headAt(backend);
  const { root } = await unlockRoot(head, UNLOCK);
  const granted = await readKeyring(backend, head, root);
  return { granted, privateKey: Buffer.from(granted.identitySeed) };
}

/** Of which areas something opens. */
const areasOf = (names: readonly string[]): string[] => [...new Set(names.map((name) => name.slice(0, 2)))].toSorted();

function expectNone(bodies: Bodies, canaries: readonly string[], what: string): void {
  for (const [name, body] of bodies) {
    for (const canary of canaries) {
      const isThere = name.includes(canary) || body.includes(canary);
      expect(isThere, `${what}: ${canary} in ${name}`).toBe(false);
    }
  }
}

describe.each([
  ['as it is', {}],
  ['sealed anew', { reencrypt: { unlock: passphrase(PHRASE) } }],
])('what the backends learn of a store that moves %s', (_, how) => {
  // T-MIGRATE-01
  it('is neither where to, nor a name, a value or a secret, at any time; nor do reports tell more', async () => {
    const clock = new EagerClock();
    const [from, to] = [memoryAt(clock), memoryAt(clock)];
    const store = await createAt(from, { clock, ...following(to) });
    await store.store('canary-of-a-name/x', 'canary-of-a-value', { metadata: { m: 'canary-of-metadata' } });
    await store.store('canary-of-a-name/large', Buffer.from('canary-of-a-value'.repeat(20_000)));
    await store.store('other', patterned(200_000));
    const places = [from, to].map(({ url }) => url.slice('memory:'.length));
    const canaries = ['canary-of', PHRASE, ...places];
    const [atFrom, atTo] = [await attack(from), await attack(to)];
    const { store: source, job } = await mover(from, to, { clock, ...how });
    let looks = 0;
    const ended = job.finally(() => (looks = Infinity));
    for (; looks < 200; looks++) {
      expectNone(await atFrom.copy(), canaries, 'at the source');
      expectNone(await atTo.copy(), canaries, 'at the target');
      await clock.sleep(100);
    }
    const { source: _from, target: _to, ...report } = await ended;
    expect(report).toMatchObject({ migrated: true });
    expect(JSON.stringify(report)).not.toMatch(/canary/);
    expectNone(await atFrom.copy(), canaries, 'at the source in the end');
    expectNone(await atTo.copy(), canaries, 'at the target in the end');
    await source.close();
  });
});

async function moved(how: object) {
  const clock = new EagerClock();
  const [from, to] = [memoryAt(clock), memoryAt(clock)];
  const store = await createAt(from, { clock, journal: true });
  await store.store('before', 'one');
  await store.store('before', 'two');
  await store.store('large', patterned(200_000));
  await store.checkpoint();
  const spoils = await keyringOf(from);
  expect(await move(from, to, { clock, ...how })).toMatchObject({ migrated: true });
  return { clock, from, to, spoils, attacker: await attack(to) };
}

describe('whoever has an old keyring, and all that lies in the new place', () => {
  // T-MIGRATE-15
  it('opens what was sealed before, and nothing that is written after a move', async () => {
    const { clock, to, spoils, attacker } = await moved({});
    const there = await openAt(to, { clock });
    const before = new Set(await attacker.names(AREAS.objects));
    await there.store('after', 'three');
    await there.store('before', 'four');
    await there.checkpoint();
    const bodies = await attacker.copy();
    const opened = openedBy(bodies, spoils);
    const added = (await attacker.names(AREAS.objects)).filter((name) => !before.has(name));
    expect(added.length).toBe(1);
    expect(opened).not.toContain(added[0]);
    // The control: what was sealed before, and the names of categories.
    expect(areasOf(opened)).toEqual(['h/', 'o/', 'p/']);
    expect(opened.filter((name) => name.startsWith(AREAS.objects)).length).toBe(1);
  });

  // T-MIGRATE-15
  it('opens nothing that was sealed anew, not even what the migration left there', async () => {
    const { clock, to, spoils, attacker } = await moved({ reencrypt: { unlock: NEW } });
    const bodies = await attacker.copy();
    expect(bodies.size).toBeGreaterThan(5);
    expect(openedBy(bodies, spoils)).toEqual([]);
    expect([...bodies.keys()].filter((name) => name === 'w/migration')).toEqual([]);
    await failure(openAt(to, { clock }), 'UNLOCK_FAILED');
  });

  // T-MIGRATE-15
  it('signs no head of what was sealed anew', async () => {
    const { clock, from, to, attacker } = await moved({ reencrypt: { unlock: NEW } });
    const { fingerprint } = await openAt(to, { clock, unlock: NEW });
    const old = await (await attack(from)).get(HEAD_NAME);
    await attacker.put(HEAD_NAME, old);
    await failure(openAt(to, { clock, unlock: NEW, fingerprint }), 'INTEGRITY');
    await failure(openAt(to, { clock, unlock: NEW }), 'UNLOCK_FAILED');
  });
});

// T-MIGRATE-16
it('keys of before lie nowhere any more in a place that a store has come back to, nor what attempts have left', async () => {
  const clock = new EagerClock();
  const [from, to] = [memoryAt(clock), memoryAt(clock)];
  const store = await createAt(from, { clock, categories: { team: ['team/**'] } });
  await store.store('team/a', 'one');
  const { recipient } = await person();
  await store.members.add('ann', recipient, { categories: ['team'] });
  await move(from, to, { clock });
  const there = await openAt(to, { clock });
  await there.members.revoke('ann');
  await there.close();
  await move(to, from, { clock });
  for (const place of [from, to]) {
    const attacker = await attack(place);
    const { references } = await headAt(await place.open());
    const named = Object.values(references).map(({ name }) => name);
    const kept = [...(await attacker.names(AREAS.keyrings)), ...(await attacker.names(AREAS.policies))];
    expect(kept.filter((name) => !named.includes(name))).toEqual([]);
  }
});

// T-MIGRATE-17
it('the place that a store has left goes on opening by the secret of before, until it is removed', async () => {
  const clock = new EagerClock();
  const [from, to] = [memoryAt(clock), memoryAt(clock)];
  const store = await createAt(from, { clock, categories: { team: ['team/**'] } });
  await store.store('team/a', 'one');
  await move(from, to, { clock });
  const there = await openAt(to, { clock });
  await there.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 9), { depth: 'keys' });
  await failure(openAt(to, { clock }), 'UNLOCK_FAILED');
  // As documented: no rotation reaches it, and no destruction of keys.
  const spoils = await keyringOf(from);
  const opened = openedBy(await (await attack(from)).copy(), spoils);
  expect(areasOf(opened)).toContain('o/');
});
