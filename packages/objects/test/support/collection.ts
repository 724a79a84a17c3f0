import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Layer, StorageBackend } from '@securestore/backend-api';
import { composeLayers } from '@securestore/backend-api';
import { AREAS, blobGeometry, partName, SecureStoreError, splitUnderToken } from '@securestore/core-format';
import { fingerprintOf } from '@securestore/crypto';
import type { RandomSource } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { instant } from '@securestore/jobs';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { readMarker } from '../../src/record/blob-markers.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { ObjectStore } from '../../src/index.ts';
import { engineOf } from '../../src/engine/create-engine.ts';
import { openLoose } from '../../src/record/open-record.ts';
import { loadState, readHead } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import type { Place } from './places.ts';
import { withoutBatch } from './places.ts';
import { atEnd, UNLOCK } from './stores.ts';

export const HOUR: number = 60 * 60 * 1000;
export const DAY: number = 24 * HOUR;

/** A clock of a machine that is wrong by a constant. */
export function skewed(clock: Clock, by: number): Clock {
  return {
    now: () => clock.now() + by,
    uptime: () => clock.uptime(),
    sleep: (time, signal) => clock.sleep(time, signal),
  };
}

interface ProcessOptions {
  readonly clock: Clock;
  readonly gracePeriod?: number;
  /** Small parts, so that little data has many. */
  readonly smallParts?: boolean;
  readonly random?: RandomSource;
  readonly layers?: readonly Layer[];
  readonly wrap?: (backend: StorageBackend) => StorageBackend;
}

/** One process that has a store open, with its insides. */
export interface Process {
  readonly engine: Engine;
  readonly store: ObjectStore;
}

const SMALL_PARTS = { inline: 100, chunkSize: 4096, chunksPerPart: 1 };

/** Opens the store at `place` as a process of its own. */
export async function processAt(place: Place, options: ProcessOptions): Promise<Process> {
  const { clock, gracePeriod, random, layers = [], smallParts = false, wrap } = options;
  const opened = await place.open();
  const inner = wrap === undefined ? opened : wrap(opened);
  const read = await readHead(inner);
  if (read === undefined) throw new Error('no head');
  const state = await loadState(inner, read.head, await unlockRoot(read.head, UNLOCK));
  const backend = composeLayers(inner, layers);
  const { url } = place;
  const made = engineOf(
    { backend, url, ...(random === undefined ? {} : { random }) },
    clock,
    { begun: instant(clock), read, state },
    gracePeriod,
  );
  const engine = smallParts ? { ...made, limits: { ...made.limits, ...SMALL_PARTS } } : made;
  const onClose = (): Promise<void> => opened.close();
  const store = new ObjectStore({
    engine,
    fingerprint: fingerprintOf(read.head.identity),
    url,
    logger: undefined,
    onClose,
  });
  atEnd(() => Promise.race([store.close().catch(() => undefined), nextTurn()]));
  return { engine, store };
}

/** A backend that doesn't tell its clock, and has no batches. */
export function silent(inner: StorageBackend): StorageBackend {
  const outer = withoutBatch(inner);
  return {
    ...outer,
    capabilities: { ...outer.capabilities, now: false },
    read: async (key, options) => {
      const found = await inner.read(key, options);
      if (found === undefined) return undefined;
      const { now: _now, ...rest } = found;
      return rest;
    },
  };
}

/** Waits for something that sleeps on a fake clock: time passes as long as nothing else happens. */
export async function whileTimePasses<T>(clock: FakeClock, pending: Promise<T>): Promise<T> {
  const running = new Set([pending]);
  const ended = pending.finally(() => running.clear());
  ended.catch(() => undefined);
  while (running.size > 0) {
    await nextTurn();
    if (running.size > 0) clock.advance(500);
  }
  return ended;
}

/** The backend names under a prefix. */
export async function namesUnder(backend: StorageBackend, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await backend.list(prefix, after === undefined ? {} : { after });
    names.push(...page.entries.map(({ key }) => key));
    after = names.at(-1);
    if (!page.more) return names;
  }
}

/** The parts that the records of a store lead to. @throws Error where a record can't be opened */
async function reachableParts({ backend, monitor, names }: Engine): Promise<Set<string>> {
  const parts = new Set<string>();
  for (const name of [...(await namesUnder(backend, AREAS.objects)), ...(await namesUnder(backend, AREAS.history))]) {
    const token = splitUnderToken(AREAS.history, name)?.token ?? name.slice(AREAS.objects.length);
    const found = await backend.read(name);
    if (found === undefined) continue;
    const opened = openLoose(monitor.state, found.body, names, token);
    if (opened.kind === 'tombstone' || opened.header.blob === undefined || opened.body.payload.kind === 'inline')
      continue;
    const { blobId, partSize } = opened.header.blob;
    const geometry = blobGeometry(opened.body.length, opened.body.payload.chunkSize, partSize);
    for (let part = 0; part < geometry.parts; part++) parts.add(partName(token, blobId, part));
  }
  return parts;
}

/** What is wrong with the parts at a backend: reachable ones that are missing, and ones that nothing leads to. */
export async function partsOf(engine: Engine): Promise<{ missing: string[]; unreachable: string[] }> {
  const reachable = await reachableParts(engine);
  const present = new Set(await namesUnder(engine.backend, AREAS.blobs));
  return {
    missing: [...reachable].filter((name) => !present.has(name)),
    unreachable: [...present].filter((name) => !reachable.has(name)),
  };
}

/** The states of the markers at a backend by the id of their blob. */
export async function markersOf(engine: Engine): Promise<Record<string, string>> {
  const states: Record<string, string> = {};
  for (const name of await namesUnder(engine.backend, AREAS.markers)) {
    const marker = await readMarker(engine, name, 0);
    if (marker !== undefined) states[splitUnderToken(AREAS.markers, name)?.rest ?? name] = marker.state;
  }
  return states;
}

/** Whether an error is one that a caller may expect. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return SecureStoreError.is(error) && codes.includes(error.code);
}

/** Bytes that are random to no one: the same ones in every run. */
export function seededRandom(seed: number): RandomSource {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (length) => {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let at = 0; at < length; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[at] = state & 0xff;
    }
    return bytes;
  };
}
