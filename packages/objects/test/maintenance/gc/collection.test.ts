import {
  AREAS,
  decodeBase32,
  keyringName,
  objectName,
  parseStoreKey,
  partName,
  policyName,
} from '@securestore/core-format';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../jobs/test/support/clock.ts';
import type { CollectOptions } from '../../../src/maintenance/gc/collect.ts';
import { collect } from '../../../src/maintenance/gc/collect.ts';
import { claimMarker, markDeleting } from '../../../src/record/blob-markers.ts';
import type { GcReport } from '../../../src/maintenance/gc/report.ts';
import type { Process } from '../../support/collection.ts';
import {
  DAY,
  HOUR,
  markersOf,
  namesUnder,
  partsOf,
  processAt,
  silent,
  skewed,
  whileTimePasses,
} from '../../support/collection.ts';
import { headAt } from '../../support/heads.ts';
import { memoryPlace, withoutBatch } from '../../support/places.ts';
import type { Place } from '../../support/places.ts';
import { createAt, failure, patterned, usePlace } from '../../support/stores.ts';

const LARGE = 150_000;

let clock: FakeClock;
let place: Place;
let process: Process;

async function begin(history?: { versions: number; days: number }): Promise<void> {
  clock = new FakeClock();
  place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, ...(history === undefined ? {} : { history }) });
  await store.close();
  process = await processAt(place, { clock });
}

function run(options?: CollectOptions): Promise<GcReport> {
  return whileTimePasses(clock, collect(process.engine, options));
}

const tokenOf = (key: string): string => process.engine.names.locate(parseStoreKey(key)).token;
const under = (prefix: string): Promise<string[]> => namesUnder(process.engine.backend, prefix);

/** Stores versions of one object, an hour apart. */
async function storeVersions(key: string, count: number, size = 10): Promise<void> {
  for (let n = 0; n < count; n++) {
    await process.store.store(key, patterned(size, n + 1));
    clock.advance(HOUR);
  }
}

beforeEach(() => begin());

describe('a collection', () => {
  it('of a store in which all is in use changes nothing', async () => {
    await storeVersions('a', 3, LARGE);
    await storeVersions('b/c', 2);
    await process.store.delete('b/c');
    clock.advance(2 * DAY);
    const before = await under('');
    const report = await run();
    expect(report).toEqual({
      objects: 2,
      expired: 0,
      versions: 0,
      kept: { young: 0, unread: 0, newest: 4, recent: 0 },
      tombstones: 0,
      blobs: 0,
      parts: 0,
      bytes: 0,
      systemObjects: 0,
      failed: 0,
      failures: [],
    });
    expect(await under('')).toEqual(before);
  });

  it('removes parts that no record names once they are older than the grace period, by the clock of the backend', async () => {
    const { backend } = process.engine;
    const [kept, lost, young] = [1, 2, 3].map((n) => Buffer.alloc(16, n));
    await process.store.store('k', patterned(LARGE));
    const parts = [0, 1, 2].map((part) => partName(tokenOf('k'), lost ?? Buffer.alloc(0), part));
    for (const name of parts) await backend.write(name, Buffer.alloc(1000));
    await backend.write(partName(tokenOf('nobody'), kept ?? Buffer.alloc(0), 0), Buffer.alloc(500));
    clock.advance(DAY + HOUR);
    // One young part keeps the others: its writer is still at work.
    await backend.write(partName(tokenOf('k'), young ?? Buffer.alloc(0), 1), Buffer.alloc(10));
    const wrong = await processAt(place, { clock: skewed(clock, -HOUR), wrap: silent });
    const report = await whileTimePasses(clock, collect(wrong.engine));
    expect(report).toMatchObject({ objects: 2, blobs: 2, parts: 4, bytes: 3500, failed: 0 });
    expect(await partsOf(process.engine)).toEqual({
      missing: [],
      unreachable: [partName(tokenOf('k'), young ?? Buffer.alloc(0), 1)],
    });
    expect(await under(AREAS.markers)).toEqual([]);
    expect(patterned(LARGE).equals((await process.store.retrieve('k')).data)).toBe(true);
  });

  it('leaves what is not older than the grace period', async () => {
    await process.engine.backend.write(partName(tokenOf('k'), Buffer.alloc(16, 1), 0), Buffer.alloc(10));
    clock.advance(DAY - HOUR);
    expect(await run()).toMatchObject({ parts: 0 });
    clock.advance(2 * HOUR);
    expect(await run()).toMatchObject({ parts: 1 });
  });

  it.each([
    ['10 versions or 30 days', { versions: 10, days: 30 }, 15, 15, 10],
    ['no version and 2 days', { versions: 0, days: 2 }, 15, 15, 0],
    ['3 versions and no day', { versions: 3, days: 0 }, 15, 3, 3],
    ['nothing, which is never younger than the grace period', { versions: 0, days: 0 }, 15, 0, 0],
  ])('keeps %s of an object, whichever is more', async (_what, history, stored, soon, late) => {
    await begin(history);
    await storeVersions('k', stored + 1, LARGE);
    clock.advance(DAY + HOUR);
    await run();
    expect(await process.store.history('k')).toHaveLength(soon + 1);
    clock.advance(31 * DAY);
    await run();
    expect(await process.store.history('k')).toHaveLength(late + 1);
    expect(await partsOf(process.engine)).toEqual({ missing: [], unreachable: [] });
    expect(await under(AREAS.blobs)).toHaveLength(late + 1);
    for (const { version } of await process.store.history('k')) await process.store.retrieve('k', { version });
  });

  it('never prunes what is younger than the grace period', async () => {
    await begin({ versions: 0, days: 0 });
    await storeVersions('k', 5);
    await run();
    expect(await process.store.history('k')).toHaveLength(5);
  });

  it('[M-06] raises the floor of versions before it forgets one, once', async () => {
    await begin({ versions: 1, days: 0 });
    for (const key of ['a', 'b', 'c']) await storeVersions(key, 4);
    const oldest = (await under(AREAS.history)).length;
    const { generation, versionFloor } = await headAt(process.engine.backend);
    expect(versionFloor).toBe(0);
    clock.advance(2 * DAY);
    const now = clock.now();
    expect(await run()).toMatchObject({ versions: oldest - 3 });
    const head = await headAt(process.engine.backend);
    expect(head.generation).toBe(generation + 1);
    expect(head.versionFloor).toBe((now - DAY) * 1000);
    // A process whose clock is far behind still makes greater versions.
    const info = await process.store.store('new', 'x');
    expect(Number.parseInt(info.version, 32)).toBeGreaterThan(head.versionFloor);
  });

  it('forgets deleted objects only when their history is gone, nobody needs the deletion, and it is long ago', async () => {
    await begin({ versions: 0, days: 3 });
    await process.store.store('k', 'x');
    await process.store.store('kept', 'x');
    await process.store.delete('k');
    await process.store.delete('kept');
    clock.advance(2 * DAY);
    expect(await run()).toMatchObject({ versions: 0, tombstones: 0 });
    clock.advance(2 * DAY);
    const asked: string[] = [];
    const mayForget = (token: string): boolean => {
      asked.push(token);
      return token !== tokenOf('kept');
    };
    const report = await run({ mayForget });
    expect(report).toMatchObject({ versions: 2, tombstones: 1, failed: 0 });
    expect(asked.toSorted()).toEqual([tokenOf('k'), tokenOf('kept')].toSorted());
    expect(await under(AREAS.objects)).toEqual([objectName(tokenOf('kept'))]);
    const before = (await headAt(process.engine.backend)).versionFloor;
    const { version } = await process.store.store('k', 'again');
    expect(Number.parseInt(version, 32)).toBeGreaterThan(before);
  });

  it('keeps deleted objects where the backend deletes without conditions', async () => {
    await begin({ versions: 0, days: 0 });
    await process.store.store('k', 'x');
    await process.store.delete('k');
    clock.advance(5 * DAY);
    const { backend } = process.engine;
    const weaker = await processAt(place, {
      clock,
      wrap: (inner) => ({
        ...withoutBatch(inner),
        capabilities: { ...inner.capabilities, atomicBatch: false, maxBatch: 0, conditionalDelete: false },
      }),
    });
    expect(await whileTimePasses(clock, collect(weaker.engine))).toMatchObject({ versions: 1, tombstones: 0 });
    expect(await namesUnder(backend, AREAS.objects)).toHaveLength(1);
  });

  it('deletes objects that have been expired for longer than the grace period, as a delete would', async () => {
    const inAnHour = new Date(clock.now() + HOUR);
    await process.store.store('k', 'x', { expires: inAnHour });
    await process.store.store('later', 'x', { expires: new Date(clock.now() + 10 * DAY) });
    clock.advance(DAY);
    expect(await run()).toMatchObject({ expired: 0 });
    clock.advance(2 * HOUR);
    expect(await run()).toMatchObject({ expired: 1, failed: 0 });
    expect(await process.store.list()).toEqual(['later']);
    expect((await process.store.history('k')).map(({ deleted }) => deleted)).toEqual([true, false]);
    expect(await run()).toMatchObject({ expired: 0 });
  });

  it('removes keyrings and maps that no head names or can name any more', async () => {
    const { backend } = process.engine;
    const { generation, references } = await headAt(backend);
    const old = [keyringName(generation, Buffer.alloc(16, 1)), policyName(generation, Buffer.alloc(16, 1))];
    const coming = keyringName(generation + 1, Buffer.alloc(16, 2));
    for (const name of [...old, coming]) await backend.write(name, Buffer.alloc(7));
    clock.advance(2 * DAY);
    const young = keyringName(generation, Buffer.alloc(16, 3));
    await backend.write(young, Buffer.alloc(7));
    expect(await run()).toMatchObject({ systemObjects: 2, bytes: 14 });
    const left = [...(await under(AREAS.keyrings)), ...(await under(AREAS.policies))];
    const named = Object.values(references).map(({ name }) => name);
    expect(left.toSorted()).toEqual([...named, coming, young].toSorted());
    await process.store.store('k', 'x');
  });

  it('names what it can not understand, leaves its payloads, and goes on', async () => {
    const { backend } = process.engine;
    await process.store.store('bad', patterned(LARGE));
    await process.store.store('good', 'x');
    const lost = partName(tokenOf('bad'), Buffer.alloc(16, 1), 0);
    await backend.write(lost, Buffer.alloc(1));
    await backend.write(partName(tokenOf('good'), Buffer.alloc(16, 1), 0), Buffer.alloc(1));
    await backend.write('b/foreign', Buffer.alloc(1));
    await backend.write(`b/${tokenOf('good')}./@zzz/00000000`, Buffer.alloc(1));
    const name = objectName(tokenOf('bad'));
    const record = Buffer.from((await backend.read(name))?.body ?? []);
    record.writeUInt8(record.readUInt8(120) ^ 1, 120);
    await backend.write(name, record);
    clock.advance(2 * DAY);
    const report = await run();
    expect(report.failures.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
      [
        { name, code: 'INTEGRITY' },
        { name: 'b/foreign', code: 'INTEGRITY' },
        { name: objectName(tokenOf('good')), code: 'INTEGRITY' },
      ].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );
    expect(report.failed).toBe(3);
    expect((await under(AREAS.blobs)).length).toBeGreaterThanOrEqual(4);
  });

  it('goes on at a cursor, and refuses what is none', async () => {
    for (let n = 0; n < 20; n++) await process.store.store(`k${n}`, 'x');
    const cursors: string[] = [];
    const progress: number[] = [];
    const all = await run({
      onCursor: (cursor) => void cursors.push(cursor),
      onProgress: ({ objects }) => void progress.push(objects),
    });
    expect(all.objects).toBe(20);
    expect(cursors).toEqual(cursors.toSorted());
    expect(progress).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    for (const [index, cursor] of cursors.entries()) {
      expect(await run({ cursor })).toMatchObject({ objects: 19 - index });
    }
    for (const cursor of ['', 'A', 'a.b', 'x'.repeat(1000)]) await failure(run({ cursor }), 'INVALID_ARGUMENT');
  });

  it('stops when it is aborted', async () => {
    for (let n = 0; n < 20; n++) await process.store.store(`k${n}`, 'x');
    const controller = new AbortController();
    const cursors: string[] = [];
    const onCursor = (cursor: string): void => {
      cursors.push(cursor);
      if (cursors.length === 5) controller.abort();
    };
    await failure(run({ signal: controller.signal, onCursor }), 'ABORTED');
    expect(cursors.length).toBeLessThan(20);
    const rest = await run({ cursor: cursors.at(-1) });
    expect(rest.objects + cursors.length).toBe(20);
  });

  it('removes history that is left behind a purge', async () => {
    await storeVersions('k', 3);
    const copies: [string, Uint8Array][] = [];
    for (const name of await under(AREAS.history)) {
      copies.push([name, (await process.engine.backend.read(name))?.body ?? Buffer.alloc(0)]);
    }
    await process.store.purge('k');
    for (const [name, body] of copies) await process.engine.backend.write(name, body);
    clock.advance(2 * DAY);
    expect(await run()).toMatchObject({ versions: 2 });
    expect(await process.store.history('k')).toHaveLength(1);
  });

  it('reads the clock of a backend that does not tell it from a probe, which it removes', async () => {
    const other = await processAt(place, { clock, wrap: silent });
    await process.engine.backend.write(partName(tokenOf('k'), Buffer.alloc(16, 1), 0), Buffer.alloc(10));
    await process.engine.backend.write('g/probe/left', Buffer.alloc(1));
    clock.advance(DAY + HOUR);
    expect(await whileTimePasses(clock, collect(other.engine))).toMatchObject({
      parts: 1,
      systemObjects: 1,
      failed: 0,
    });
    expect(await under(AREAS.markers)).toEqual([]);
  });
});

describe('markers that are left', () => {
  it('[M-03] are removed when they lapse, not before; a marker of a collector that was stopped is taken over', async () => {
    const { engine, store } = process;
    await storeVersions('k', 2, LARGE);
    const ids = (await under(AREAS.blobs)).map((name) => name.split('@')[1]?.split('/')[0] ?? '');
    const [first, second] = ids.map((id) => decodeBase32(id) ?? Buffer.alloc(0));
    if (first === undefined || second === undefined) throw new Error('two blobs');
    await claimMarker(engine, tokenOf('k'), first, undefined);
    expect(await markDeleting(engine, tokenOf('k'), second, clock.now(), undefined)).toBeDefined();
    expect(await markDeleting(engine, tokenOf('k'), first, clock.now(), undefined)).toBeUndefined();
    // Both are in use: what was to be deleted is given back at once, as a claim.
    await run();
    expect(Object.values(await markersOf(engine))).toEqual(['claimed', 'claimed']);
    clock.advance(DAY + HOUR);
    expect(await run()).toMatchObject({ systemObjects: 2, parts: 0 });
    expect(await markersOf(engine)).toEqual({});
    expect(await partsOf(engine)).toEqual({ missing: [], unreachable: [] });
    await store.retrieve('k');
  });
});
