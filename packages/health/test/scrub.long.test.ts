import { MemoryBackend } from '@securestore/backend-memory';
import type { CallCounter, StorageBackend } from '@securestore/backend-api';
import { createCallCounter } from '@securestore/backend-api';
import type { ObjectStore } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { attack, flipped } from '../../objects/test/support/attacker.ts';
import type { Attacker } from '../../objects/test/support/attacker.ts';
import { atEnd, failure, openAt, patterned } from '../../objects/test/support/stores.ts';
import type { RepairSource, ScrubReport } from '../src/index.ts';
import { Health } from '../src/index.ts';
import type { World } from './support/world.ts';
import { checkOf, DAY, troubles, world } from './support/world.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

interface Damaged extends World {
  readonly attacker: Attacker;
  /** A copy of the whole store, from before anything was damaged. */
  readonly copy: RepairSource;
}

const HOUR = 60 * 60 * 1000;

/** The name of the current record of an object. */
async function recordOf({ store, attacker }: Pick<Damaged, 'store' | 'attacker'>, key: string): Promise<string> {
  const names = await attacker.names('o/');
  const before = new Map(
    await Promise.all(names.map(async (name) => [name, (await attacker.get(name)).toString('hex')] as const)),
  );
  await store.setMetadata(key, { looked: 'for' });
  for (const name of names) if ((await attacker.get(name)).toString('hex') !== before.get(name)) return name;
  throw new Error(`no record of ${key}`);
}

async function copyOf(attacker: Attacker): Promise<RepairSource> {
  const backend: StorageBackend = new MemoryBackend();
  await backend.init({ url: 'memory:', options: {} });
  for (const [name, body] of await attacker.copy()) await backend.write(name, body);
  atEnd(() => backend.close());
  return (body) => body(backend);
}

/** A store with small and large objects, some with a past, one deleted; with a checkpoint. */
async function furnished(count = 30): Promise<Damaged> {
  const target = await world();
  const { store, place, clock } = target;
  const attacker = await attack(place);
  for (let n = 0; n < count; n++) await store.store(`small/${n}`, `first ${n}`);
  await store.store('large', patterned(3_000_000));
  await store.store('past', 'one');
  await store.store('past', 'two');
  await store.store('past', 'three');
  await store.store('gone', 'there once');
  await store.delete('gone');
  clock.advance(60_000);
  await store.checkpoint();
  return { ...target, attacker, copy: await copyOf(attacker) };
}

const summary = ({ findings }: ScrubReport): string[] =>
  findings.map(({ kind, key, repaired }) => `${kind} ${key}${repaired ? ' repaired' : ''}`).toSorted();

type Find = (target: Damaged) => Promise<string>;
type Change = (attacker: Attacker, name: string) => Promise<void>;

const ofRecord: Find = (target) => recordOf(target, 'small/7');
const ofPart: Find = async ({ attacker }) => attacker.name('b/');
const tokenOf = (name: string): string => name.split('./@')[0] ?? '';

/** Of the two older versions of one object, the older. */
const ofVersion: Find = async ({ attacker }) => {
  const names = await attacker.names('h/');
  return names.find((name, at) => at > 0 && tokenOf(name) === tokenOf(names[at - 1] ?? '')) ?? '';
};
const flip =
  (at: number): Change =>
  async (attacker, name) =>
    attacker.put(name, flipped(await attacker.get(name), at));
const truncate: Change = async (attacker, name) => attacker.put(name, (await attacker.get(name)).subarray(0, -1));
const remove: Change = (attacker, name) => attacker.remove(name);

/** What is damaged in which way, and what a scrub says of it then. */
const DAMAGE: Readonly<Record<string, readonly [Find, Change, finding: string]>> = {
  'a flipped bit of a record': [ofRecord, flip(80), 'damaged small/7'],
  'a truncated record': [ofRecord, truncate, 'damaged small/7'],
  'a flipped bit of an older version': [ofVersion, flip(80), 'damaged past'],
  'a missing older version': [ofVersion, remove, 'history past'],
  'a flipped bit of a payload': [ofPart, flip(1_000_000), 'payload large'],
  'a truncated payload': [ofPart, truncate, 'payload large'],
  'a missing part': [ofPart, remove, 'payload large'],
  'a hidden object': [ofRecord, remove, 'hidden small/7'],
};

describe('a scrub', () => {
  it('finds nothing wrong in a store that is well, and counts what is in it', async () => {
    const { health, clock } = await furnished();
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({
      status: 'not-set-up',
      reason: 'no scrub of the store has completed',
    });
    const report = await health.scrub();
    expect(report).toMatchObject({
      ok: true,
      objects: 32,
      deleted: 1,
      versions: 3,
      blobs: 1,
      parts: 1,
      bytes: 3_000_000,
      found: 0,
      repaired: 0,
      findings: [],
      foreign: [],
      late: false,
      baseline: { entries: 33 },
    });
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({
      status: 'ok',
      reason: '32 objects were scrubbed 0 s ago, and nothing is wrong',
    });
    clock.advance(34 * DAY);
    expect(checkOf(await health.check(), 'scrub').status).toBe('ok');
    clock.advance(2 * DAY);
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining('36 d ago: it is due after 35 d'),
      advice: expect.stringContaining('securestore scrub'),
    });
  });

  // In a short run every second one.
  it.each(Object.entries(DAMAGE))('finds %s, and repairs it from a copy', async (_, [find, damage, expected]) => {
    const target = await furnished();
    const { health, store, attacker } = target;
    const name = await find(target);
    const copy = await copyOf(attacker);
    const before = await attacker.copy();
    await damage(attacker, name);
    const report = await health.scrub();
    expect(report).toMatchObject({ ok: false, objects: 32, deleted: 1 });
    expect(summary(report)).toEqual([expected]);
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining('1 thing is not as stored: '),
      advice: expect.stringContaining('--repair'),
    });
    const repaired = await health.scrub({ repair: copy });
    expect(summary(repaired)).toEqual([`${expected} repaired`]);
    expect(repaired).toMatchObject({ ok: true, found: 1, repaired: 1 });
    expect(troubles(await health.check())).toEqual({});
    expect(await store.verify({ payloads: true })).toMatchObject({ ok: true });
    expect(await attacker.get(name)).toEqual(before.get(name));
    expect((await store.history('past')).length).toBe(3);
    expect((await store.retrieve('small/7')).text()).toBe('first 7');
  });

  it('finds an object that was rolled back, and brings the newer version back', async () => {
    const target = await furnished();
    const { health, store, attacker } = target;
    const name = await recordOf(target, 'small/7');
    const older = await attacker.get(name);
    await store.store('small/7', 'newer');
    await store.checkpoint();
    const copy = await copyOf(attacker);
    await attacker.put(name, older);
    expect(summary(await health.scrub())).toContain('rolled-back small/7');
    const repaired = await health.scrub({ repair: copy });
    expect(repaired.ok).toBe(true);
    expect((await store.retrieve('small/7')).text()).toBe('newer');
    expect(await store.verify()).toMatchObject({ ok: true });
  });

  it('finds an object that was brought back after its deletion, and deletes it again', async () => {
    const target = await furnished();
    const { health, store, attacker } = target;
    const name = await recordOf(target, 'small/7');
    const record = await attacker.get(name);
    await store.delete('small/7');
    await store.checkpoint();
    const copy = await copyOf(attacker);
    await attacker.put(name, record);
    const report = await health.scrub();
    expect(summary(report)).toContain('resurrected small/7');
    expect((await health.scrub({ repair: copy })).ok).toBe(true);
    expect(await store.has('small/7')).toBe(false);
  });

  it('finds payloads that nothing names, once no upload can be under way', async () => {
    const { health, attacker, clock } = await furnished();
    const [part = ''] = await attacker.names('b/');
    const [token = ''] = part.split('./@');
    const body = await attacker.get(part);
    const orphan = `${token}./@${'0'.repeat(26)}/00000000`;
    await attacker.put(orphan, body);
    expect((await health.scrub()).foreign).toEqual([]);
    clock.advance(2 * DAY);
    const report = await health.scrub();
    expect(report.ok).toBe(true);
    expect(report.foreign).toEqual([
      {
        name: orphan.slice(0, orphan.lastIndexOf('/')),
        message: expect.stringContaining('belong to no version of the object'),
      },
    ]);
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({
      status: 'ok',
      reason: expect.stringContaining('garbage collection removes 1 foreign object'),
    });
  });

  it('names what nobody made, and what the head names and is damaged', async () => {
    const { health, attacker } = await furnished();
    const [page = ''] = await attacker.names('c/');
    await attacker.put(page, flipped(await attacker.get(page), 100));
    await attacker.put('h/nothing-of-ours', Buffer.from('x'));
    const { findings } = await health.scrub();
    expect(findings.map(({ kind, name }) => [kind, name])).toContainEqual(['damaged', 'h/nothing-of-ours']);
    expect(findings.some(({ kind, name }) => kind === 'damaged' && name.startsWith('c/'))).toBe(true);
  });

  it('that reads no payloads takes none for right, and does not count as one of everything', async () => {
    const target = await furnished();
    const { health, attacker, clock } = target;
    expect(await health.scrub({ payloads: false })).toMatchObject({ ok: true, found: 0, bytes: 0 });
    expect(checkOf(await health.check(), 'scrub').reason).toBe('no scrub of the store has completed');
    const part = await ofPart(target);
    const [record, whole] = [await recordOf(target, 'small/7'), await attacker.get(part)];
    const copy = await copyOf(attacker);
    await attacker.put(part, flipped(whole, 1_000_000));
    await attacker.put(record, flipped(await attacker.get(record), 80));
    expect((await health.scrub()).found).toBe(2);
    clock.advance(DAY);
    // It repairs the record, and has not looked into the payload.
    expect(await health.scrub({ payloads: false, repair: copy })).toMatchObject({ ok: true, found: 1, repaired: 1 });
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({
      status: 'failing',
      reason: `1 thing is not as stored: payload large (${part.slice(0, part.lastIndexOf('/'))})`,
    });
    expect(await health.scrub({ repair: copy })).toMatchObject({ ok: true, found: 1, repaired: 1 });
    expect(troubles(await health.check())).toEqual({});
    clock.advance(DAY);
    await health.scrub({ payloads: false });
    expect(checkOf(await health.check(), 'scrub').figures?.['age']).toBeGreaterThanOrEqual(DAY);
  });

  // T-BACKEND-15
  it('leaves what a copy does not have, or has damaged', async () => {
    const target = await furnished();
    const { health, attacker } = target;
    const name = await recordOf(target, 'small/7');
    const [part = ''] = await attacker.names('b/');
    const damaged = flipped(await attacker.get(part), 5000);
    await attacker.put(part, damaged);
    const copy = await copyOf(attacker);
    await attacker.put(name, flipped(await attacker.get(name), 80));
    const other = await furnished(1);
    const strange = await health.scrub({ repair: other.copy });
    expect(strange).toMatchObject({ ok: false, found: 2, repaired: 0 });
    const partly = await health.scrub({ repair: copy });
    expect(summary(partly)).toEqual(['damaged small/7 repaired', 'payload large']);
    expect(await attacker.get(part)).toEqual(damaged);
  });

  // T-BACKEND-15
  it('does not bring back what was replaced since the copy, where the newest version is damaged', async () => {
    const target = await furnished();
    const { health, store, attacker } = target;
    const name = await recordOf(target, 'small/7');
    const copy = await copyOf(attacker);
    await store.store('small/7', 'newer');
    const newer = await attacker.get(name);
    for (const at of [2, 80, newer.length - 1]) {
      await attacker.put(name, flipped(newer, at));
      const damaged = await attacker.get(name);
      const report = await health.scrub({ repair: copy });
      expect(summary(report), `byte ${at}`).toEqual(['damaged small/7']);
      expect(await attacker.get(name)).toEqual(damaged);
    }
    await attacker.remove(name);
    expect(summary(await health.scrub({ repair: copy }))).toEqual(['hidden small/7']);
  });

  // T-BACKEND-15
  it('is not told of an older version by a copy that has nothing newer', async () => {
    const { health, store, attacker, copy } = await furnished();
    await store.store('past', 'four');
    await store.store('past', 'five');
    const names = await attacker.names('o/');
    for (const name of names) await attacker.put(name, flipped(await attacker.get(name), 80));
    const report = await health.scrub({ repair: copy });
    expect(summary(report).filter((one) => !one.endsWith('repaired'))).toEqual(['damaged past']);
  });
});

/** Scrubs in a process that is killed at the read of so many current records, of which each takes so many milliseconds. */
async function killedAfter(
  { health, injector, clock }: Pick<Damaged, 'health' | 'injector' | 'clock'>,
  reads: number,
  delay: number,
): Promise<void> {
  let left = reads;
  injector.plan(({ operation, key = '' }) => {
    if (operation !== 'read' || !key.startsWith('o/')) return undefined;
    left -= 1;
    return left > 0 ? { type: 'delay', until: clock.sleep(delay) } : { type: 'kill-before' };
  });
  void Promise.resolve(health.scrub()).catch(() => undefined);
  await injector.killed;
}

/** The next process, whose calls are counted. */
async function nextAt(
  place: Damaged['place'],
  clock: Damaged['clock'],
): Promise<{ readonly again: ObjectStore; readonly reopened: Health; readonly counter: CallCounter }> {
  const counter = createCallCounter();
  const again = await openAt(place, { clock, layers: [counter.layer] });
  return { again, reopened: new Health(again, { monotonic: () => clock.uptime() }), counter };
}

describe('a scrub that is interrupted', () => {
  it('goes on where it was, after the process was killed', async () => {
    const { health, place, injector, attacker, clock } = await furnished(300);
    await attacker.put('h/nothing-of-ours', Buffer.from('x'));
    // Slow enough that the job saves where it is.
    await killedAfter({ health, injector, clock }, 200, 100);
    const { again, reopened, counter } = await nextAt(place, clock);
    expect(await again.jobs.list()).toMatchObject([{ kind: 'scrub' }]);
    counter.reset();
    const report = await reopened.scrub();
    expect(report).toMatchObject({ objects: 302, deleted: 1, versions: 3, found: 1 });
    const read = counter.calls.filter(({ operation, key = '' }) => operation === 'read' && key.startsWith('o/'));
    expect(read.length).toBeLessThan(170);
    expect(await again.jobs.list()).toEqual([]);
  });

  it('says why a copy did not repair an object', async () => {
    const { health, store, attacker, copy } = await furnished();
    await store.store('small/1', 'newer than the copy');
    await store.store('later', 'not in the copy');
    for (const key of ['small/1', 'later']) {
      const name = await recordOf({ store, attacker }, key);
      await attacker.put(name, flipped(await attacker.get(name), 80));
    }
    const without = await health.scrub();
    expect(without.findings.map(({ notRepaired }) => notRepaired)).toEqual([undefined, undefined]);
    const { findings } = await health.scrub({ repair: copy });
    expect(Object.fromEntries(findings.map(({ key = '', notRepaired }) => [key, notRepaired]))).toEqual({
      'small/1': 'older',
      later: 'absent',
    });
    const name = await recordOf({ store, attacker }, 'small/2');
    await attacker.put(name, flipped(await attacker.get(name), 80));
    const damaged = await copyOf(attacker);
    const third = (await health.scrub({ repair: damaged })).findings.find(({ key }) => key === 'small/2');
    expect(third).toMatchObject({ repaired: false, notRepaired: 'damaged' });
  });

  it('advises to scrub again once the object that it names was written', async () => {
    const { health, store, attacker, clock } = await furnished();
    const name = await recordOf({ store, attacker }, 'small/7');
    await attacker.put(name, flipped(await attacker.get(name), 80));
    clock.advance(60_000);
    expect(await health.scrub()).toMatchObject({ found: 1 });
    const again = /^the first was written since the last scrub: run "securestore scrub" to check again; /;
    const before = checkOf(await health.check(), 'scrub');
    expect(before).toMatchObject({
      status: 'failing',
      advice: expect.stringMatching(/^run "securestore scrub --repair/),
    });
    clock.advance(60_000);
    await store.store('small/7', 'again', { ifDamaged: true });
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({
      status: 'failing',
      reason: before.reason,
      advice: expect.stringMatching(again),
    });
    clock.advance(60_000);
    expect(await health.scrub()).toMatchObject({ ok: true });
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({ status: 'ok' });
  });

  it('has told of damage, and does not begin before it once more, where objects take long', async () => {
    const { health, place, injector, attacker, clock } = await furnished(100);
    // The names of a folder stand together, so this one is in the folder, and holds an object.
    const { 3: first = '' } = await attacker.names('o/');
    await attacker.put(first, flipped(await attacker.get(first), 80));
    await killedAfter({ health, injector, clock }, 90, 10_000);
    const { reopened, counter } = await nextAt(place, clock);
    expect(checkOf(await reopened.check(), 'scrub')).toMatchObject({ status: 'failing', figures: { findings: 1 } });
    counter.reset();
    expect(await reopened.scrub()).toMatchObject({ objects: 102, found: 1 });
    const read = counter.calls.filter(({ operation, key = '' }) => operation === 'read' && key.startsWith('o/'));
    expect(read.length).toBeLessThan(70);
  });

  it('names the objects whose damage an earlier run has found', async () => {
    const { health, attacker, clock, injector, ...rest } = await furnished(300);
    const names = await attacker.names('o/');
    const [first = ''] = names;
    await attacker.put(first, flipped(await attacker.get(first), 80));
    const controller = new AbortController();
    let reads = 0;
    injector.plan(({ operation, key = '' }) => {
      if (operation !== 'read' || !key.startsWith('o/')) return undefined;
      if (++reads === 270) controller.abort();
      return { type: 'delay', until: clock.sleep(100) };
    });
    await failure(health.scrub({ signal: controller.signal }), 'ABORTED');
    injector.plan(undefined);
    reads = 0;
    const again = new Health(await openAt(rest.place, { clock }));
    const { findings } = await again.scrub();
    expect(findings).toMatchObject([{ kind: 'damaged', name: first, key: expect.any(String) }]);
    const key = findings[0]?.key ?? '';
    await failure(rest.store.retrieve(key), 'INTEGRITY');
    expect(checkOf(await again.check(), 'scrub').reason).toBe(`1 thing is not as stored: damaged ${key} (${first})`);
  });

  it('reads nothing twice but what came after its cursor', async () => {
    const { health, injector, clock } = await furnished(300);
    const counts = new Map<string, number>();
    let reads = 0;
    const controller = new AbortController();
    injector.plan(({ operation, key = '' }) => {
      if (operation !== 'read' || !key.startsWith('o/')) return undefined;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (++reads === 150) controller.abort();
      return { type: 'delay', until: clock.sleep(10) };
    });
    await failure(health.scrub({ signal: controller.signal }), 'ABORTED');
    const report = await health.scrub();
    expect(report).toMatchObject({ ok: true, objects: 302, deleted: 1 });
    expect(counts.size).toBe(303);
    expect([...counts.values()].filter((count) => count > 1).length).toBeLessThanOrEqual(32);
  });

  it('goes on at the same pace where its job is resumed', async () => {
    const { health, store, injector, clock } = await furnished(100);
    const controller = new AbortController();
    let reads = 0;
    injector.plan(({ operation, key = '' }) => {
      if (operation === 'read' && key.startsWith('o/') && ++reads === 50) controller.abort();
      return undefined;
    });
    await failure(health.scrub({ within: HOUR, signal: controller.signal }), 'ABORTED');
    injector.plan(undefined);
    const begun = clock.now();
    const { took, started, ended, ...report } = (await store.jobs.resume('scrub')) as ScrubReport;
    expect(report).toMatchObject({ ok: true, objects: 102 });
    expect(clock.now() - begun).toBeGreaterThan(0.4 * HOUR);
    expect(took).toBeLessThanOrEqual(ended.getTime() - started.getTime());
  });

  it('is not to be done by two at once', async () => {
    const { health, place, clock } = await furnished();
    const other = new Health(await openAt(place, { clock }));
    const first = health.scrub({ within: 60_000 });
    const second = other.scrub();
    await failure(second, 'LOCKED');
    expect((await first).ok).toBe(true);
  });
});

describe('the bytes of a scrub', () => {
  it.each([
    ['a flipped bit at its begin', flip(100), 100],
    ['a flipped bit', flip(1_000_000), 1_000_000],
  ])('are those that were read of a payload with %s, too', async (_, change, least) => {
    const damaged = await furnished(1);
    await change(damaged.attacker, await ofPart(damaged));
    const found = await damaged.health.scrub();
    expect(found).toMatchObject({ ok: false });
    expect(found.bytes).toBeGreaterThan(least);
    expect(found.bytes).toBeLessThan(3_100_000);
  });

  it.each([truncate, remove, flip(100)])('are those of what was repaired, too', async (change) => {
    const damaged = await furnished(1);
    await change(damaged.attacker, await ofPart(damaged));
    const mended = await damaged.health.scrub({ repair: damaged.copy });
    expect(mended).toMatchObject({ ok: true, repaired: 1 });
    expect(mended.bytes).toBeGreaterThanOrEqual(3_000_000);
  });
});

describe('how fast a scrub goes', () => {
  it('is told without the time in which it did not run', async () => {
    const { health, clock } = await furnished(100);
    const first = health.scrub({ within: HOUR });
    for await (const { phase, done } of first.progress) {
      if (phase !== 'scrubbing' || done < 60) continue;
      first.cancel();
      break;
    }
    await failure(first, 'ABORTED');
    clock.advance(DAY);
    const { took, started, ended } = await health.scrub();
    expect(ended.getTime() - started.getTime()).toBeGreaterThan(DAY);
    expect(took).toBeGreaterThan(HOUR / 3);
    expect(took).toBeLessThan(HOUR);
  });

  it('is limited by the rate, counted at the backend', async () => {
    const { health, meter, clock } = await furnished();
    const [bytes, begun] = [meter.figures.receivedBytes, clock.now()];
    await health.scrub({ rate: 100_000 });
    const seconds = (clock.now() - begun) / 1000;
    const read = meter.figures.receivedBytes - bytes;
    expect(read).toBeGreaterThan(3_000_000);
    // It reads some objects more than once, and the head without being limited.
    expect(seconds).toBeGreaterThan(29);
    expect(seconds).toBeLessThan((read / 100_000) * 1.2);
  });

  it('is spread over the time that it is given', async () => {
    const { health, clock } = await furnished(sized({ short: 30, full: 200, torture: 200 }));
    const begun = clock.now();
    const report = await health.scrub({ within: 2 * HOUR });
    expect(report).toMatchObject({ ok: true, late: false });
    expect(clock.now() - begun).toBeGreaterThan(1.8 * HOUR);
    expect(clock.now() - begun).toBeLessThanOrEqual(2 * HOUR);
    clock.advance(2.1 * HOUR);
    expect(checkOf(await health.check(), 'scrub')).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining('it is due after 2 h'),
    });
  });

  it('lets writers go on, who are no finding', async () => {
    const { health, store, clock } = await furnished(60);
    const writes = sized({ short: 24, full: 60, torture: 60 });
    const scrubbing = health.scrub({ within: HOUR });
    for (let n = 0; n < writes; n++) {
      await clock.sleep(1_200_000 / writes);
      const key = `small/${(n * 7) % 60}`;
      if (n % 4 === 0) await store.delete(key);
      else if (n % 4 === 1) await store.purge(key);
      else await store.store(key, `changed ${n}`);
      await store.store('large', patterned(200_000, n));
      if (n % 20 === 19) await store.checkpoint();
    }
    expect(await scrubbing).toMatchObject({ ok: true, found: 0, foreign: [] });
  });

  const PACES = [
    { pace: { rate: 100_000 }, least: 29_000 },
    { pace: { within: 2 * HOUR, rate: 1000 }, least: 0.75 * HOUR },
    { pace: { within: 2 * HOUR }, least: 1.8 * HOUR },
  ];

  it.each(PACES)(
    'tells how long it will take from its pace, and no more bytes than that allows: %o',
    async ({ pace, least }) => {
      const { health, clock } = await furnished();
      const begun = clock.now();
      const job = health.scrub(pace);
      const seen: { readonly at: number; readonly eta: number | undefined; readonly bytes: number }[] = [];
      for await (const { phase, eta, bytes } of job.progress) {
        if (phase === 'scrubbing') seen.push({ at: clock.now() - begun, eta, bytes });
      }
      const took = clock.now() - begun;
      expect((await job).took).toBe(Math.round(took));
      expect(took).toBeGreaterThan(least);
      for (const { at, eta, bytes } of seen) {
        // What is looked at again, or was not counted, comes on top.
        if (eta !== undefined && took - at > 0.2 * took) expect(Math.abs(at + eta - took)).toBeLessThan(0.15 * took);
        if (pace.rate !== undefined) expect(bytes).toBeLessThanOrEqual((at / 1000) * pace.rate);
      }
      expect(seen.some(({ eta }) => eta !== undefined)).toBe(true);
    },
  );

  it('says where the rate did not allow that', async () => {
    const { health } = await furnished();
    expect(await health.scrub({ within: 2000, rate: 100_000 })).toMatchObject({ late: true });
  });

  it('refuses options that there are not, and wrong ones', async () => {
    const { health, store } = await furnished(1);
    const wrong: unknown[] = [
      null,
      { deep: 1 },
      { rate: 0 },
      { rate: Infinity },
      { rate: 0.5 },
      { rate: 5e-324 },
      { within: 1e12 },
      { within: 'x' },
      { payloads: 1 },
      { repair: 'file:./x' },
      { repair: {} },
    ];
    for (const options of wrong) {
      expect(() => health.scrub(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
    await store.close();
    expect(() => health.scrub()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  });
});
