import { AREAS } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/index.ts';
import { attack, flipped } from '../../support/attacker.ts';
import type { Attacked } from '../../support/attacked.ts';
import { attacked } from '../../support/attacked.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import { headAt } from '../../support/heads.ts';
import { memoryPlace } from '../../support/places.ts';
import { createAt, patterned, usePlace } from '../../support/stores.ts';

const DAY = 24 * 60 * 60 * 1000;

/** The one finding of a verification. */
async function found({ store }: Attacked): Promise<Finding> {
  const { ok, found: count, findings } = await store.verify({ payloads: true });
  expect({ ok, count }, JSON.stringify(findings)).toEqual({ ok: false, count: 1 });
  const [finding] = findings;
  if (finding === undefined) throw new Error('nothing is listed');
  return finding;
}

describe('verify names', () => {
  it('an object that was rolled back, with both versions', async () => {
    const all = await attacked();
    const one = await all.store.store('k', 'one');
    const old = await all.attacker.get(await all.attacker.name(AREAS.objects));
    const two = await all.store.store('k', 'two');
    await all.store.checkpoint();
    await all.attacker.put(await all.attacker.name(AREAS.objects), old);
    await all.attacker.remove(await all.attacker.name(AREAS.history));
    expect(await found(all)).toMatchObject({
      kind: 'rolled-back',
      key: 'k',
      expected: two.version,
      found: one.version,
    });
  });

  it('an object that is hidden, and one that is hidden with its history', async () => {
    const all = await attacked();
    const { version } = await all.store.store('k', 'one');
    await all.store.checkpoint();
    await all.attacker.remove(await all.attacker.name(AREAS.objects));
    expect(await found(all)).toMatchObject({ kind: 'hidden', key: 'k', expected: version });
  });

  it('an object that the checkpoint does not know and of which only the history is left', async () => {
    const all = await attacked();
    await all.store.checkpoint();
    await all.store.store('k', 'one');
    await all.store.store('k', 'two');
    await all.attacker.remove(await all.attacker.name(AREAS.objects));
    expect(await found(all)).toMatchObject({ kind: 'hidden', key: 'k' });
  });

  it('a damaged or missing object among all that were looked at', async () => {
    const all = await attacked();
    await all.store.store('k', 'one');
    const name = await all.attacker.name(AREAS.objects);
    await all.store.store('other', 'one');
    await all.store.checkpoint();
    await all.attacker.put(name, flipped(await all.attacker.get(name), 80));
    expect(await all.store.verify()).toMatchObject({ found: 1, objects: 2, deleted: 0 });
    await all.attacker.remove(name);
    expect(await all.store.verify()).toMatchObject({ found: 1, objects: 2, deleted: 0 });
  });

  it('a damaged record of a deletion among the deletions', async () => {
    const all = await attacked();
    await all.store.store('k', 'one');
    const name = await all.attacker.name(AREAS.objects);
    await all.store.delete('k');
    await all.store.checkpoint();
    await all.attacker.put(name, flipped(await all.attacker.get(name), 80));
    expect(await all.store.verify()).toMatchObject({ found: 1, objects: 0, deleted: 1 });
  });

  it('an object that is there again though it was deleted', async () => {
    const all = await attacked();
    const { version } = await all.store.store('k', 'one');
    const old = await all.attacker.get(await all.attacker.name(AREAS.objects));
    await all.store.delete('k');
    await all.store.checkpoint();
    await all.attacker.put(await all.attacker.name(AREAS.objects), old);
    await all.attacker.remove(await all.attacker.name(AREAS.history));
    expect(await found(all)).toMatchObject({ kind: 'resurrected', key: 'k', found: version });
  });

  it('a version that is there again though it was purged', async () => {
    const all = await attacked();
    const { version } = await all.store.store('k', 'one');
    await all.store.store('k', 'two');
    const name = await all.attacker.name(AREAS.history);
    const old = await all.attacker.get(name);
    await all.store.purge('k');
    await all.attacker.put(name, old);
    expect(await found(all)).toMatchObject({ kind: 'resurrected', key: 'k', found: version, name });
  });

  it('an object that is there again when even its deletion has been forgotten', async () => {
    const all = await attacked();
    const { version } = await all.store.store('k', 'one');
    const name = await all.attacker.name(AREAS.objects);
    const old = await all.attacker.get(name);
    await all.store.purge('k');
    await all.store.checkpoint();
    // What collection does.
    await all.attacker.remove(name);
    expect(await all.store.verify()).toMatchObject({ ok: true });
    expect(await all.store.checkpoint()).toMatchObject({ objects: 0, purged: 0 });
    await all.attacker.put(name, old);
    const finding = await found(all);
    expect(finding).toMatchObject({ kind: 'unlisted', key: 'k', found: version });
    expect(finding.message).toContain('never acknowledged');
  });

  it('another record under the same version', async () => {
    const all = await attacked();
    const { version } = await all.store.store('k', 'one');
    const name = await all.attacker.name(AREAS.objects);
    const old = await all.attacker.get(name);
    await all.store.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 7), { depth: 'data' });
    await all.store.checkpoint();
    expect(await all.store.verify()).toMatchObject({ ok: true });
    // What a rotation has left behind opens nothing any more.
    await all.attacker.put(name, old);
    expect(await found(all)).toMatchObject({ kind: 'damaged', key: 'k', expected: version });
  });

  it('a hole in a history, and a history without its end', async () => {
    const all = await attacked();
    for (const text of ['one', 'two', 'three', 'four']) await all.store.store('k', text);
    const names = await all.attacker.names(AREAS.history);
    for (const name of names) {
      const body = await all.attacker.get(name);
      await all.attacker.remove(name);
      expect(await found(all)).toMatchObject({ kind: 'history', key: 'k' });
      await all.attacker.put(name, body);
    }
    expect(await all.store.verify()).toMatchObject({ ok: true, versions: 3 });
  });

  it('older versions that are hidden before collection may have taken them', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const history = { versions: 1, days: 7 };
    const all = { place, clock, store: await createAt(place, { clock, history }), attacker: await attack(place) };
    for (const text of ['one', 'two', 'three']) await all.store.store('other', text);
    clock.advance(30 * DAY);
    // From now on the head says that versions have been collected.
    expect(await all.store.gc()).toMatchObject({ versions: 1 });
    const before = await all.attacker.names(AREAS.history);
    for (const text of ['one', 'two', 'three', 'four']) await all.store.store('k', text);
    clock.advance(6 * DAY);
    const newer = (await all.attacker.names(AREAS.history)).filter((name) => !before.includes(name));
    const bodies = await Promise.all(newer.slice(1).map(async (name) => [name, await all.attacker.get(name)] as const));
    for (const [name] of bodies) await all.attacker.remove(name);
    expect(await found(all)).toMatchObject({ kind: 'history', key: 'k' });
    for (const [name, body] of bodies.slice(1)) await all.attacker.put(name, body);
    expect(await found(all)).toMatchObject({ kind: 'history', key: 'k' });
    for (const [name] of bodies.slice(1)) await all.attacker.remove(name);
    // Later it can't be told from a collection.
    clock.advance(2 * DAY);
    expect(await all.store.verify()).toMatchObject({ ok: true });
  });

  it('versions that were exchanged in a history', async () => {
    const all = await attacked();
    for (const text of ['one', 'two', 'three']) await all.store.store('k', text);
    const [first = '', second = ''] = await all.attacker.names(AREAS.history);
    await all.attacker.swap(first, second);
    const { findings } = await all.store.verify();
    expect(findings.map(({ kind, name }) => ({ kind, name }))).toEqual([
      { kind: 'damaged', name: first },
      { kind: 'damaged', name: second },
    ]);
  });

  it('parts of a payload that are missing, too short, or other than they were', async () => {
    const all = await attacked();
    await all.store.store('large', patterned(9 * 1024 * 1024));
    const parts = await all.attacker.names(AREAS.blobs);
    expect(parts).toHaveLength(3);
    for (const part of parts) {
      const body = await all.attacker.get(part);
      await all.attacker.remove(part);
      expect(await found(all)).toMatchObject({ kind: 'payload', key: 'large', name: part });
      await all.attacker.put(part, body.subarray(0, body.length - 1));
      expect(await found(all)).toMatchObject({ kind: 'payload', key: 'large', name: part });
      await all.attacker.put(part, flipped(body, body.length - 20));
      expect(await all.store.verify()).toMatchObject({ ok: true });
      expect(await found(all)).toMatchObject({ kind: 'payload', key: 'large' });
      await all.attacker.put(part, body);
    }
  });

  it('names that the store never made', async () => {
    const all = await attacked();
    await all.store.store('k', 'one');
    const body = await all.attacker.get(await all.attacker.name(AREAS.objects));
    for (const name of ['o/zzz', 'h/zzz', 'h/zzz./@00000000000']) {
      await all.attacker.put(name, body);
      const { ok, findings } = await all.store.verify();
      expect({ ok, names: findings.map((finding) => finding.name) }, name).toMatchObject({ ok: false });
      await all.attacker.remove(name);
    }
  });

  it('what the head pins and is not there', async () => {
    const all = await attacked();
    const backend = await all.place.open();
    const { references } = await headAt(backend);
    await backend.close();
    for (const { name } of Object.values(references)) {
      const body = await all.attacker.get(name);
      await all.attacker.remove(name);
      expect(await found(all)).toMatchObject({ kind: 'hidden', name });
      await all.attacker.put(name, flipped(body, body.length - 1));
      expect(await found(all)).toMatchObject({ kind: 'damaged', name });
      await all.attacker.put(name, body);
    }
  });
});

describe('what a checkpoint says', () => {
  it('[X-09] is not taken back by the next one', async () => {
    const all = await attacked();
    await all.store.store('older', 'one');
    await all.store.store('gone', 'one');
    const names = await all.attacker.names(AREAS.objects);
    const old = new Map<string, Buffer>();
    for (const name of names) old.set(name, await all.attacker.get(name));
    const two = await all.store.store('older', 'two');
    await all.store.checkpoint();
    const history = await all.attacker.name(AREAS.history);
    const older = names.find((name) => history.startsWith(name.replace(AREAS.objects, AREAS.history))) ?? '';
    const gone = names.find((name) => name !== older) ?? '';
    await all.attacker.put(older, old.get(older) ?? Buffer.alloc(0));
    await all.attacker.remove(history);
    await all.attacker.remove(gone);
    expect(await all.store.checkpoint()).toMatchObject({ contradicted: 2, objects: 2 });
    const { findings } = await all.store.verify();
    expect(findings.map(({ kind, key, expected }) => ({ kind, key, expected }))).toEqual(
      expect.arrayContaining([
        { kind: 'rolled-back', key: 'older', expected: two.version },
        expect.objectContaining({ kind: 'hidden', key: 'gone' }),
      ]),
    );
    // Whoever has looked into it says so.
    expect(await all.store.checkpoint({ afresh: true })).toMatchObject({ contradicted: 0, objects: 1 });
    expect(await all.store.verify()).toMatchObject({ ok: true });
  });

  it('is given up where it is damaged only when that is asked for', async () => {
    const all = await attacked();
    await all.store.store('k', 'one');
    await all.store.checkpoint();
    for (const name of await all.attacker.names(AREAS.checkpoints)) await all.attacker.remove(name);
    expect(await found(all)).toMatchObject({ kind: 'damaged' });
    await expect(all.store.checkpoint()).rejects.toMatchObject({ code: 'INTEGRITY' });
    await all.store.checkpoint({ afresh: true });
    expect(await all.store.verify()).toMatchObject({ ok: true, baseline: { entries: 1 } });
  });
});
