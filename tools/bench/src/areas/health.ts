import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageBackend } from '@securestore/backend-api';
import type { ObjectStore } from '@securestore/objects';
import { bodies } from '../bodies.ts';
import { inFlight, rate } from '../measure.ts';
import type { Area, Comparison } from '../model.ts';

const body: () => Uint8Array = bodies();
const GROUP = 64;
/** What is looked for is smaller than what two runs differ by. */
const RUNS = 25;
/** How often the health of a store is looked at meanwhile, in milliseconds: much oftener than anybody would. */
const LOOK_EVERY = 1000;
const nameOf = (index: number): string => `app/secrets/${index}`;

/** A store, and what is to be done while it is measured. */
interface Subject {
  readonly store: ObjectStore;
  readonly during: <T>(work: () => Promise<T>) => Promise<T>;
}

async function backendAt(location: string): Promise<StorageBackend> {
  const { SqliteBackend } = await import('@securestore/backend-sqlite');
  const { MemoryBackend } = await import('@securestore/backend-memory');
  const backend = location.startsWith('memory:') ? new MemoryBackend() : new SqliteBackend();
  await backend.init({ location, options: {} });
  return backend;
}

async function createAt(backend: StorageBackend, location: string): Promise<ObjectStore> {
  const { createObjectStore } = await import('@securestore/objects');
  const { rawKey } = await import('@securestore/crypto');
  return createObjectStore({ backend, location, unlock: rawKey(crypto.getRandomValues(new Uint8Array(32))) });
}

async function bare(location: string): Promise<Subject> {
  const store = await createAt(await backendAt(location), location);
  return { store, during: (work) => work() };
}

/** With all that `openStore` puts around a backend to measure it, and somebody who looks how the store is. */
async function watched(location: string): Promise<Subject> {
  const { composeLayers, createMeter } = await import('@securestore/backend-api');
  const { Health } = await import('@securestore/health');
  const meter = createMeter();
  const store = await createAt(composeLayers(await backendAt(location), [meter.layer]), location);
  const health = new Health(store, { meter });
  await health.metrics.openTelemetry();
  return {
    store,
    async during(work) {
      const timer = setInterval(() => void health.check().catch(() => undefined), LOOK_EVERY);
      try {
        return await work();
      } finally {
        clearInterval(timer);
      }
    },
  };
}

/** New stores for each sample: what grows with the number of objects, such as the memory of `memory:`, weighs on both alike. */
function compared(
  work: string,
  count: number,
  place: { readonly scratch: string; readonly locationIn: (folder: string) => string },
  sample: (store: ObjectStore) => Promise<number>,
): Comparison {
  const sampleOf = (open: (location: string) => Promise<Subject>) => async (): Promise<number> => {
    const folder = await mkdtemp(join(place.scratch, 'health-'));
    const { store, during } = await open(place.locationIn(folder));
    try {
      await inFlight(count, GROUP, (index) => store.store(nameOf(index), body()));
      globalThis.gc?.();
      return await during(() => sample(store));
    } finally {
      await store.close();
      await rm(folder, { recursive: true });
    }
  };
  return {
    work,
    unit: 'per second',
    count,
    runs: RUNS,
    contenders: [
      { name: 'securestore, watched', role: 'ours', sample: sampleOf(watched) },
      { name: 'securestore, not watched', role: 'raw', sample: sampleOf(bare) },
    ],
    targets: [{ bound: 'at least', factor: 0.97, of: 'the raw limit' }],
  };
}

/** The same store with metrics and probes, and without. */
export const health: Area = {
  title: 'The cost of metrics and probes, objects of 1 KiB',
  async *comparisons({ scratch, scale }) {
    const count = Math.max(GROUP, Math.ceil(10_000 * scale));
    const places = [
      ['sqlite:', (folder: string) => `sqlite:${join(folder, 'store.db')}`],
      ['memory:', () => 'memory:'],
    ] as const;
    const storing = (store: ObjectStore): Promise<number> =>
      rate(count, () => inFlight(count, GROUP, (index) => store.store(`app/new/${index}`, body())));
    const retrieving = (store: ObjectStore): Promise<number> =>
      rate(count, () => inFlight(count, GROUP, (index) => store.retrieve(nameOf(index))));
    for (const [scheme, locationIn] of places) {
      const place = { scratch, locationIn };
      yield compared(`stores on ${scheme}, ${GROUP} in flight`, count, place, storing);
      yield compared(`retrieves on ${scheme}, ${GROUP} in flight`, count, place, retrieving);
    }
  },
};
