import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Around, StorageBackend } from '@securestore/backend-api';
import { forwardTo, intercept } from '@securestore/backend-api';
import { FsBackend } from '@securestore/backend-fs';
import { MemoryBackend } from '@securestore/backend-memory';
import { SqliteBackend } from '@securestore/backend-sqlite';
import type { Clock } from '@securestore/jobs';
import type { EagerClock } from './eager-clock.ts';

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

/** A folder whose backends have a clock of the test, on which no time passes while they work. */
export function filePlace(clock: EagerClock): Place {
  const settings = { clock: () => clock.now(), monotonic: () => clock.uptime() };
  const place = folderPlace('file', () => new FsBackend(settings));
  const layer = intercept(
    (): Around =>
      async ({ signal }, run) =>
        clock.during(async () => run(signal)),
  );
  return { ...place, open: async () => layer(await place.open()) };
}

/** Every kind of place, with a clock of the test in the place of the machine's: no limit depends on how busy that is. */
export const CLOCKED_PLACES: readonly (readonly [string, (clock: EagerClock) => Place])[] = [
  ['memory', (clock) => memoryPlace(() => clock.now())],
  ['sqlite', (clock) => sqlitePlace(() => clock)],
  ['file', filePlace],
];
