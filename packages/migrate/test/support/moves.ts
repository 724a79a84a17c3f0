import { createHash } from 'node:crypto';
import { composeLayers } from '@securestore/backend-api';
import type { Layer, StorageBackend } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import type { Clock, ObjectStore, OpenSettings } from '@securestore/objects';
import type { Job } from '@securestore/jobs';
import type { Place } from '../../../objects/test/support/places.ts';
import { atEnd, openAt } from '../../../objects/test/support/stores.ts';
import type { MigrationReport, MigrateStoreOptions } from '../../src/index.ts';
import { migrateObjectStore } from '../../src/index.ts';
import type { Reach } from '../../src/online/migration.ts';

/** The backend of a place, closed when the test has ended. */
export async function reached(place: Place, layers: readonly Layer[] = []): Promise<StorageBackend> {
  const opened = await place.open();
  // Not held, as `openAt` does not hold its stores.
  const held = new WeakRef(opened);
  atEnd(() => held.deref()?.close());
  return composeLayers(opened, layers);
}

/** What opens a store so that it follows to these places. */
export function following(...places: readonly Place[]): Pick<OpenSettings, 'targets'> {
  return {
    targets: {
      urls: places.map(({ url }) => url),
      async connect(url) {
        const place = places.find((one) => one.url === url);
        if (place === undefined) throw new Error(`nobody allowed ${url}`);
        return { backend: await place.open(), url };
      },
    },
  };
}

/** What reaches these places, and no other. */
export function reaching(...places: readonly Place[]): Reach {
  return async (url, body) => {
    const place = places.find((one) => one.url === url);
    if (place === undefined) throw new Error(`nobody can reach ${url}`);
    return body({ backend: await reached(place), url });
  };
}

export interface Movement extends MigrateStoreOptions {
  readonly clock: Clock;
  readonly fromLayers?: readonly Layer[];
  readonly toLayers?: readonly Layer[];
}

/** Whoever moves a store, with the store as it opened it. */
export async function mover(
  from: Place,
  to: Place,
  { clock, fromLayers = [], toLayers = [], ...options }: Movement,
): Promise<{ readonly store: ObjectStore; readonly job: Job<MigrationReport> }> {
  const store = await openAt(from, { clock, ignoreRedirect: true, layers: fromLayers });
  const backend = await reached(to, toLayers);
  const job = migrateObjectStore(store, { backend, url: to.url }, options);
  return { store, job };
}

/** Moves a store, as a process of its own does. */
export async function move(from: Place, to: Place, movement: Movement): Promise<MigrationReport> {
  const { store, job } = await mover(from, to, movement);
  try {
    return await job;
  } finally {
    await store.close();
  }
}

/** What lies at a place of objects: records, histories, payloads and the audit log, by name. */
export async function contentsOf(place: Place): Promise<Map<string, string>> {
  const backend = await place.open();
  const found = new Map<string, string>();
  try {
    for (const area of [AREAS.objects, AREAS.history, AREAS.blobs, AREAS.audit]) {
      for (let after: string | undefined, more = true; more;) {
        const page = await backend.list(area, after === undefined ? {} : { after });
        for (const { key } of page.entries) {
          const body = (await backend.read(key))?.body;
          found.set(
            key,
            createHash('sha256')
              .update(body ?? Buffer.alloc(0))
              .digest('hex'),
          );
        }
        after = page.entries.at(-1)?.key;
        ({ more } = page);
      }
    }
    return found;
  } finally {
    await backend.close();
  }
}
