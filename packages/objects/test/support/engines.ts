import type { Layer } from '@securestore/backend-api';
import { composeLayers } from '@securestore/backend-api';
import type { Clock } from '@securestore/jobs';
import type { Engine, Limits } from '../../src/engine/engine.ts';
import { ObjectStore } from '../../src/store/object-store.ts';
import { openParts } from '../../src/store/open.ts';
import type { Place } from './places.ts';
import { atEnd, UNLOCK } from './stores.ts';

/** An open store with the engine that it works with. */
export interface OpenedEngine {
  readonly store: ObjectStore;
  readonly engine: Engine;
}

/** Opens the store at `place`. */
export async function engineAt(
  place: Place,
  clock: Clock,
  { layers = [], limits = {} }: { readonly layers?: readonly Layer[]; readonly limits?: Partial<Limits> } = {},
): Promise<OpenedEngine> {
  const backend = composeLayers(await place.open(), layers);
  const parts = await openParts({ backend, url: place.url, unlock: UNLOCK, clock, maintenance: false });
  const engine = { ...parts.engine, limits: { ...parts.engine.limits, ...limits } };
  const store = new ObjectStore({ ...parts, engine });
  // A store whose backend was stopped by a test never closes.
  atEnd(() => Promise.race([store.close().catch(() => undefined), new Promise<void>((done) => setImmediate(done))]));
  return { store, engine };
}
