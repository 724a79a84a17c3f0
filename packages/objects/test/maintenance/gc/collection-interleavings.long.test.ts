import { MemoryBackend } from '@securestore/backend-memory';
import type { StorageBackend } from '@securestore/backend-api';
import { AREAS, historyName, parseStoreKey } from '@securestore/core-format';
import { instant } from '@securestore/jobs';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../jobs/test/support/clock.ts';
import { blobPayload, writeBlob } from '../../../src/record/blob-writer.ts';
import { BlobLease, confirmWritten } from '../../../src/record/blob-lease.ts';
import { collect } from '../../../src/maintenance/gc/collect.ts';
import { reclaim } from '../../../src/record/sweep-blobs.ts';
import { unnamed } from '../../../src/record/blob-liveness.ts';
import { commit } from '../../../src/object/commit/commit.ts';
import type { DraftBody } from '../../../src/object/commit/mutation.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { restoreVersion, setMetadata } from '../../../src/object/change.ts';
import { storeObject } from '../../../src/object/store.ts';
import { engineOf } from '../../../src/engine/create-engine.ts';
import { purgeObject } from '../../../src/object/purge.ts';
import type { Target } from '../../../src/record/open-record.ts';
import type { StoreState } from '../../../src/head/store-state.ts';
import { loadState, readHead } from '../../../src/head/store-state.ts';
import { unlockRoot } from '../../../src/head/unlock/unlock-root.ts';
import { DAY, markersOf, namesUnder, partsOf, seededRandom, whileTimePasses } from '../../support/collection.ts';
import type { Rules, Scene } from '../../support/interleavings.ts';
import { everyInterleaving } from '../../support/interleavings.ts';
import { memoryPlace, withoutBatch } from '../../support/places.ts';
import { createAt, patterned, UNLOCK, usePlace } from '../../support/stores.ts';
import { sized } from '../../../../../tools/campaigns/src/size.ts';

const GRACE = DAY;
const LARGE = 70_000;

/** What lies at a backend, to begin every order of calls with. */
interface Start {
  readonly bodies: ReadonlyMap<string, Uint8Array>;
  readonly state: StoreState;
  readonly target: Target;
  readonly version: string;
  readonly blob: string;
  /** The body of a record that nobody has committed yet, and its blob. */
  readonly uncommitted: UncommittedBlob | undefined;
}

interface UncommittedBlob {
  readonly body: DraftBody;
  readonly reference: { readonly blobId: Uint8Array; readonly partSize: number; readonly sealedLength: number };
}

type Make = (engine: Engine, start: Start) => Promise<unknown>;

/**
 * What is large: a version in the history of `k`, or its current version, or a payload that no record names yet.
 */
type Kind = 'version' | 'current' | 'parts';

async function startWith(kind: Kind): Promise<Start> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, history: { versions: 0, days: 0 } });
  const { version } = await store.store('k', kind === 'version' ? patterned(LARGE) : 'before');
  await store.store('k', kind === 'current' ? patterned(LARGE) : 'small');
  const backend = await place.open();
  const read = await readHead(backend);
  if (read === undefined) throw new Error('no head');
  const state = await loadState(backend, read.head, await unlockRoot(read.head, UNLOCK));
  const engine = engineOf(
    { backend, url: place.url, random: seededRandom(9) },
    clock,
    { begun: instant(clock), read, state },
    GRACE,
  );
  const key = parseStoreKey('k');
  const target = { key, ...engine.names.locate(key) };
  let uncommitted: UncommittedBlob | undefined;
  if (kind === 'parts') {
    const keys = state.keys.category(state.categories.idOf(key));
    async function* source(): AsyncGenerator<Uint8Array> {
      yield patterned(LARGE);
    }
    const blob = await writeBlob(engine, target.token, 1, keys.digest, source(), undefined);
    const { length, digest, reference } = blob;
    const times = { created: 1, modified: 1, expires: 0 };
    const payload = blobPayload(blob);
    uncommitted = { reference, body: { name: key, ...times, metadata: Buffer.alloc(0), length, digest, payload } };
  }
  const [part = ''] = await namesUnder(backend, AREAS.blobs);
  const blob = part.split('@')[1]?.split('/')[0] ?? '';
  const bodies = new Map<string, Uint8Array>();
  for (const name of await namesUnder(backend, ''))
    bodies.set(name, (await backend.read(name))?.body ?? Buffer.alloc(0));
  return { bodies, state, target, version, blob, uncommitted };
}

/** The order of calls begins when what lies there is older than the grace period. */
async function sceneOf(start: Start, batches: boolean, makers: readonly Make[]): Promise<Scene> {
  const clock = new FakeClock();
  const memory = new MemoryBackend({ clock: () => clock.now() });
  await memory.init({ url: 'memory:', options: {} });
  for (const [name, body] of start.bodies) await memory.write(name, body);
  clock.advance(GRACE + GRACE / 4);
  const backend = batches ? memory : withoutBatch(memory);
  const read = await readHead(backend);
  if (read === undefined) throw new Error('no head');
  const engineFor = (own: StorageBackend, seed: number): Engine =>
    engineOf(
      { backend: own, url: 'memory:', random: seededRandom(seed) },
      clock,
      { begun: instant(clock), read, state: start.state },
      GRACE,
    );
  return {
    backend,
    actors: makers.map((make, index) => (own) => make(engineFor(own, index + 1), start)),
    tick: () => clock.advance(50),
    async check() {
      const engine = engineFor(memory, 100);
      expect((await partsOf(engine)).missing).toEqual([]);
      for (let pass = 0; pass < 2; pass++) {
        clock.advance(2 * GRACE);
        const report = await whileTimePasses(clock, collect(engine));
        expect(report.failures).toEqual([]);
        expect((await partsOf(engine)).missing).toEqual([]);
      }
      expect((await partsOf(engine)).unreachable).toEqual([]);
      expect(await markersOf(engine)).toEqual({});
    },
  };
}

const freed = (): { blobs: number; parts: number; bytes: number } => ({ blobs: 0, parts: 0, bytes: 0 });

/** A collector that removes the large version from the history, and no more. */
const forget: Make = (engine, { target, version }) =>
  engine.backend.delete(historyName(target.token, Number.parseInt(version.slice(0, 11), 32)));

/** What a collector does once its listing has shown that a version is not kept. */
const prune: Make = async (engine, start) => {
  await forget(engine, start);
  const { token } = start.target;
  const garbage = await unnamed(engine, token, [start.blob], undefined);
  await reclaim(engine, token, garbage, { now: engine.clock.now(), freed: freed(), signal: undefined });
};

/** What a collector does once its listing has shown parts that no record names. */
const collectParts: Make = (engine, { target, blob }) =>
  reclaim(engine, target.token, [blob], { now: engine.clock.now(), freed: freed(), signal: undefined });

const restore: Make = (engine, { target, version }) =>
  restoreVersion(engine, target, { version }, undefined, undefined);

const purge: Make = (engine, { target }) => purgeObject(engine, target, undefined, undefined);

const overwrite: Make = (engine, { target }) => storeObject(engine, target, 'new', undefined, undefined);

const relabel: Make = (engine, { target }) => setMetadata(engine, target, { a: 1 }, undefined, undefined);

/** A writer whose payload was uploaded long ago, and who commits now. */
const commitLate: Make = (engine, { target, uncommitted }) => {
  if (uncommitted === undefined) throw new Error('nothing to commit');
  const { body, reference } = uncommitted;
  const { token } = target;
  const hold = new BlobLease(engine, { token, reference, length: body.length, chunkSize: 65_536 });
  return commit(engine, {
    target,
    condition: { type: 'none' },
    readFirst: false,
    signal: undefined,
    beforeAttempt: (doubtful) => confirmWritten(hold, doubtful, undefined),
    draft: () => ({ kind: 'object', blob: reference, body }),
  });
};

type Case = readonly [string, Kind, boolean, readonly Make[], Rules];

const CASES: readonly Case[] = [
  ['two collectors of one blob', 'parts', false, [collectParts, collectParts], { crashes: 1 }],
  ['two collectors, a marker landing late', 'parts', false, [collectParts, collectParts], { lateWrites: 1 }],
  ['a collector and a slow writer', 'parts', false, [collectParts, commitLate], { crashes: 1 }],
  ['a collector and a slow writer with batches', 'parts', true, [collectParts, commitLate], { crashes: 1 }],
  [
    'a collector and a slow writer, a marker landing late',
    'parts',
    true,
    [collectParts, commitLate],
    { lateWrites: 1 },
  ],
  ['a pruned version and its restore', 'version', false, [prune, restore], { crashes: 1 }],
  ['a pruned version and its restore with batches', 'version', true, [prune, restore], { crashes: 1 }],
  ['a pruned version and its restore, a marker landing late', 'version', true, [prune, restore], { lateWrites: 1 }],
  ['a collector with an old listing and an overwrite', 'current', false, [collectParts, overwrite], { crashes: 1 }],
  ['a collector with an old listing and a change of the metadata', 'current', false, [collectParts, relabel], {}],
  ['a collector with an old listing and a purge', 'current', false, [collectParts, purge], { crashes: 1 }],
  ['a purge and a restore', 'version', true, [purge, restore], { crashes: 1 }],
  ['a purge and a collector', 'version', true, [purge, prune], { crashes: 1 }],
  ['a restore and a change of the metadata, beside a collector', 'version', true, [prune, restore, relabel], {}],
];

/** One of each kind of rule that takes no longer than a moment. */
const SHORT_CASES = [CASES[0], CASES[1]].filter((one) => one !== undefined);

/** Some minutes' worth. */
const LONG_CASES: readonly Case[] = [
  ['a collector with an old listing, another one and a restore', 'version', true, [collectParts, prune, restore], {}],
  ['three collectors and a restore', 'version', true, [collectParts, collectParts, forget, restore], {}],
  ['two collectors and a restore', 'version', true, [prune, prune, restore], { crashes: 1 }],
  ['two collectors and a restore, a marker landing late', 'version', true, [prune, prune, restore], { lateWrites: 1 }],
  ['a purge and a restore without batches', 'version', false, [purge, restore], { crashes: 1, lateWrites: 1 }],
  ['a purge, a restore and an overwrite', 'version', true, [purge, restore, overwrite], {}],
  ['a purge, a restore and a collector', 'version', true, [purge, restore, prune], {}],
  ['two collectors and a slow writer', 'parts', false, [collectParts, collectParts, commitLate], { crashes: 1 }],
];

describe('every order of calls', () => {
  it.each(sized({ short: SHORT_CASES, full: CASES, torture: [...CASES, ...LONG_CASES] }))(
    '[M-02] of %s leaves nothing that leads to a missing part',
    async (_what, kind, batches, makers, rules) => {
      const start = await startWith(kind);
      const ended = await everyInterleaving(() => sceneOf(start, batches, makers), rules);
      expect(ended).toBeGreaterThan(1);
    },
  );
});
