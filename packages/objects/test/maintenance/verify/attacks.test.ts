import { AREAS, HEAD_NAME, SecureStoreError, TOMBSTONE_LENGTH } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { Anchor, ObjectStore, VerifyReport } from '../../../src/index.ts';
import { memoryAnchor } from '../../support/anchors.ts';
import type { Attacker } from '../../support/attacker.ts';
import { attack, flipped } from '../../support/attacker.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import { headAt } from '../../support/heads.ts';
import type { Place } from '../../support/places.ts';
import { memoryPlace } from '../../support/places.ts';
import { createAt, openAt, patterned, usePlace } from '../../support/stores.ts';

const LONG = `deep/${'n'.repeat(400)}`;

/** A store with a past: what lay there before, and what lies there now that a checkpoint holds it. */
interface Scene {
  readonly place: Place;
  readonly clock: EagerClock;
  readonly anchor: Anchor;
  readonly attacker: Attacker;
  readonly before: ReadonlyMap<string, Buffer>;
  readonly now: ReadonlyMap<string, Buffer>;
  /** What the head names. */
  readonly pinned: ReadonlySet<string>;
}

async function past(store: ObjectStore): Promise<void> {
  await store.store('unchanged', 'x');
  await store.store('changed', 'one');
  await store.store('changed', 'two');
  await store.store('changed', 'three');
  await store.store('to-delete', 'x');
  await store.store('to-purge', 'one');
  await store.store('to-purge', 'two');
  await store.store('to-forget', 'x');
  await store.store('brought-back', 'x');
  await store.delete('brought-back');
  await store.store('large', patterned(200_000, 1));
  await store.store(LONG, 'one');
  await store.checkpoint();
}

async function present(store: ObjectStore): Promise<void> {
  await store.store('changed', 'four');
  await store.delete('to-delete');
  await store.purge('to-purge');
  await store.undelete('brought-back');
  await store.store('large', patterned(200_000, 2));
  await store.store(LONG, 'two');
  await store.store('new', 'x');
  await store.delete('to-forget');
  await store.checkpoint();
}

async function scene(): Promise<Scene> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const anchor = memoryAnchor();
  const store = await createAt(place, { clock, anchor });
  const attacker = await attack(place);
  await past(store);
  const before = await attacker.copy();
  await present(store);
  await store.close();
  const backend = await place.open();
  const { references } = await headAt(backend);
  await backend.close();
  const pinned = new Set(Object.values(references).map(({ name }) => name));
  return { place, clock, anchor, attacker, before, now: await attacker.copy(), pinned };
}

/** What opening and verifying the store say: a report, or the code of the error. */
async function judge({ place, clock, anchor }: Scene): Promise<VerifyReport | string> {
  let store: ObjectStore | undefined;
  try {
    store = await openAt(place, { clock, anchor });
    return await store.verify({ payloads: true });
  } catch (error) {
    if (SecureStoreError.is(error)) return error.code;
    throw error;
  } finally {
    await store?.close();
  }
}

/** Whether a name at the backend counts: it is the head or pinned by it, or belongs to an object. */
function counts({ pinned, before, now }: Scene, name: string): boolean {
  if (name === HEAD_NAME || pinned.has(name)) return true;
  // The store is so small that every checkpoint has but one page.
  if (name.startsWith(AREAS.checkpoints)) return !before.has(name);
  return [AREAS.objects, AREAS.history, AREAS.blobs].some((area) => name.startsWith(area)) && now.has(name);
}

/** The record of a deletion of which nothing else is left may go: collection takes it away. */
function isForgettable({ now }: Scene, name: string): boolean {
  if (!name.startsWith(AREAS.objects)) return false;
  const history = name.replace(AREAS.objects, AREAS.history);
  return (
    now.get(name)?.length === TOMBSTONE_LENGTH && ![...now.keys()].some((other) => other.startsWith(`${history}.`))
  );
}

function expectFound(name: string, verdict: VerifyReport | string): void {
  if (typeof verdict === 'string') {
    expect(['ROLLBACK', 'INTEGRITY'], `${name}: ${verdict}`).toContain(verdict);
    return;
  }
  expect(verdict.ok, `${name} is not found`).toBe(false);
  // All there is to find is about this object.
  const token = /^[ohb]\/(.*?)(\.\/@.*)?$/.exec(name)?.[1];
  for (const finding of verdict.findings) {
    if (token !== undefined) expect(finding.name).toContain(token);
    expect(finding.message).not.toBe('');
  }
}

describe('verify', () => {
  it('finds nothing in a store that nobody has attacked', async () => {
    const verdict = await judge(await scene());
    expect(verdict).toMatchObject({ ok: true, anchored: true });
  });

  // T-BACKEND-14
  it('finds each object that is taken away', async () => {
    const all = await scene();
    for (const name of all.now.keys()) {
      await all.attacker.remove(name);
      const verdict = await judge(all);
      if (counts(all, name) && !isForgettable(all, name)) expectFound(name, verdict);
      else expect(verdict, name).toMatchObject({ ok: true });
      await all.attacker.restore(all.now);
    }
  });

  // T-BACKEND-14
  it('finds each object in whose place an older one is put', async () => {
    const all = await scene();
    let replaced = 0;
    for (const [name, body] of all.before) {
      const now = all.now.get(name);
      if (now === undefined || now.equals(body)) continue;
      await all.attacker.put(name, body);
      expectFound(name, await judge(all));
      await all.attacker.restore(all.now);
      replaced += 1;
    }
    expect(replaced).toBeGreaterThan(6);
  });

  // T-BACKEND-14
  it('finds each object that is brought back', async () => {
    const all = await scene();
    let broughtBack = 0;
    for (const [name, body] of all.before) {
      const isRecord = name.startsWith(AREAS.history) || name.startsWith(AREAS.objects);
      if (all.now.has(name) || !isRecord) continue;
      await all.attacker.put(name, body);
      expectFound(name, await judge(all));
      await all.attacker.restore(all.now);
      broughtBack += 1;
    }
    expect(broughtBack).toBeGreaterThan(0);
  });

  it('finds each object of which a bit is flipped', async () => {
    const all = await scene();
    for (const [name, body] of all.now) {
      if (!counts(all, name)) continue;
      for (const at of [0, body.length >> 1, body.length - 1]) {
        await all.attacker.put(name, flipped(body, at));
        expectFound(name, await judge(all));
      }
      await all.attacker.restore(all.now);
    }
  });

  it('finds an older copy of everything, where an anchor remembers the present one', async () => {
    const all = await scene();
    await all.attacker.restore(all.before);
    expect(await judge(all)).toBe('ROLLBACK');
    const report = await judge({ ...all, anchor: memoryAnchor() });
    expect(report).toMatchObject({ ok: true });
  });
});
