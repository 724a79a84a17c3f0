import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { FsBackend } from '@securestore/backend-fs';
import { MemoryBackend } from '@securestore/backend-memory';
import { SqliteBackend } from '@securestore/backend-sqlite';
import type { Clock } from '@securestore/jobs';

/** Somewhere to store things, empty at first, that any number of backends can open. */
export interface Place {
  readonly url: string;
  open(): Promise<StorageBackend>;
  remove(): Promise<void> | void;
}

function placeAt(url: string, create: () => StorageBackend, remove: Place['remove']): Place {
  return {
    url,
    async open() {
      const backend = create();
      await backend.init({ url, options: {} });
      return backend;
    },
    remove,
  };
}

/** @param clock of the backend, milliseconds since 1970 */
export function memoryPlace(clock?: () => number): Place {
  const settings = clock === undefined ? {} : { clock };
  const place: Place = placeAt(
    `memory:${randomUUID()}`,
    () => new MemoryBackend(settings),
    async () => empty(await place.open()),
  );
  return place;
}

/** Removes everything at a backend: what lies in memory under a name stays there for as long as the process does. */
async function empty(backend: StorageBackend): Promise<void> {
  for (;;) {
    const { entries } = await backend.list('');
    if (entries.length === 0) return backend.close();
    for (const { key } of entries) await backend.delete(key);
  }
}

function folderPlace(scheme: string, create: () => StorageBackend): Place {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-objects-'));
  return placeAt(`${scheme}:${join(folder, 'vault')}`, create, () => rmSync(folder, { recursive: true, force: true }));
}

/** A database whose backends have the clock that `clock` gives when they are opened. */
export function sqlitePlace(clock: () => Pick<Clock, 'now' | 'uptime'>): Place {
  return folderPlace('sqlite', () => {
    const opened = clock();
    return new SqliteBackend({ clock: () => opened.now(), monotonic: () => opened.uptime() });
  });
}

/** A backend without batches: what most providers are. */
export function withoutBatch(inner: StorageBackend): StorageBackend {
  const outer = forwardTo(inner, {
    declare: (capabilities) => ({ ...capabilities, atomicBatch: false, maxBatch: 0 }),
  });
  delete outer.batch;
  return outer;
}

/** Every kind of place that the suites run over. */
export const PLACES: readonly (readonly [string, () => Place])[] = [
  ['memory', () => memoryPlace()],
  ['sqlite', () => folderPlace('sqlite', () => new SqliteBackend())],
  ['file', () => folderPlace('file', () => new FsBackend())],
];
