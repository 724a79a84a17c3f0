import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, inject } from 'vitest';
import { SERVED_PLACES } from '../../../../tools/services/src/provide/places.ts';

/** A place for stores: a backend that several processes can use, and its server if it needs one. */
export interface WorkerPlace {
  readonly name: string;
  /** Why there is none. */
  readonly skip?: string;
  /** A store URL where nothing is. To be called in a test or its hooks. */
  readonly freshUrl: () => string;
}

/** Places in files, until the tests of this file have ended. */
export function filePlaces(): WorkerPlace[] {
  let folder = '';
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'securestore-places-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return [
    { name: 'sqlite', freshUrl: () => `sqlite:${join(folder, `${randomUUID()}.db`)}` },
    { name: 'file', freshUrl: () => `file:${join(folder, randomUUID())}` },
  ];
}

/** Places at the servers that the whole run shares. */
export function servedPlaces(): WorkerPlace[] {
  return SERVED_PLACES.map(({ name, at, prepare }) => {
    const server = inject(name);
    if ('skip' in server) return { name, skip: server.skip, freshUrl: () => '' };
    beforeAll(() => prepare?.(server.url));
    return { name, freshUrl: () => at(server.url, `p${randomUUID().replaceAll('-', '')}`) };
  });
}
