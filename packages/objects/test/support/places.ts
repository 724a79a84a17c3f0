import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { FsBackend } from '@securestore/backend-fs';
import { MemoryBackend } from '@securestore/backend-memory';
import { SqliteBackend } from '@securestore/backend-sqlite';

/** Somewhere to store things, empty at first, that any number of backends can open. */
export interface Place {
  readonly location: string;
  open(): Promise<StorageBackend>;
  remove(): void;
}

function placeAt(location: string, create: () => StorageBackend, remove: () => void): Place {
  return {
    location,
    async open() {
      const backend = create();
      await backend.init({ location, options: {} });
      return backend;
    },
    remove,
  };
}

/** @param clock of the backend, milliseconds since 1970 */
export function memoryPlace(clock?: () => number): Place {
  const settings = clock === undefined ? {} : { clock };
  return placeAt(
    `memory:${randomUUID()}`,
    () => new MemoryBackend(settings),
    () => undefined,
  );
}

function folderPlace(scheme: string, create: () => StorageBackend): Place {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-objects-'));
  return placeAt(`${scheme}:${join(folder, 'vault')}`, create, () => rmSync(folder, { recursive: true, force: true }));
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

/** Whether the long forms run. */
export const TORTURE: boolean = process.env['SECURESTORE_TORTURE'] === '1';
