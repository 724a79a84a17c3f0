import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/**
 * The rooms of each folder that has some, which are its own folders, from the lowest to the highest: a file imports from its own room and
 * from lower ones.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'packages/core-format/src': ['errors', 'machine', 'text', 'bytes', 'record', 'audit', 'head', 'backup'],
  'packages/crypto/src': ['primitives', 'names', 'key-service', 'unlock', 'seal', 'keys'],
  'packages/jobs/src': ['state', 'run'],
  'packages/backend-api/src': ['contract', 'discovery', 'layers'],
  'packages/backend-testkit/src': ['support', 'operations', 'concerns', 'faulty'],
  'packages/backend-azure/src': ['connection', 'operations'],
  'packages/backend-fs/src': ['files', 'commit', 'read'],
  'packages/backend-gcs/src': ['connection', 'operations'],
  'packages/backend-mongodb/src': ['connection', 'operations'],
  'packages/backend-postgres/src': ['connection', 'operations'],
  'packages/backend-redis/src': ['connection', 'operations'],
  'packages/backend-s3/src': ['connection', 'operations'],
  'packages/backend-sqlite/src': ['connection', 'operations'],
  'packages/objects/src': [
    'util',
    'api',
    'head',
    'engine',
    'record',
    'journal',
    'checkpoint',
    'object',
    'maintenance',
    'replica',
    'store',
  ],
  'packages/audit/src': ['sink', 'entry', 'store', 'file', 'record', 'verify', 'trail'],
  'packages/backup/src': [
    'retention',
    'repository',
    'trust',
    'snapshot',
    'continuous',
    'verify',
    'prune',
    'restore',
    'recovery',
    'schedule',
    'api',
  ],
  'packages/health/src': ['report', 'scrub', 'checks', 'metrics'],
  'packages/acl/src': [
    'rules',
    'approval',
    'policy',
    'authentication',
    'document',
    'administration',
    'guard',
    'session',
    'control',
  ],
  'packages/migrate/src': ['folder', 'online', 'upgrade'],
  'packages/securestore/src': ['files', 'options', 'store'],
  'packages/protocol/src': ['http', 'text', 'calls'],
  'packages/client/src': ['transport', 'remote'],
  'packages/server/src': ['limits', 'request', 'caller', 'work', 'exchange', 'console', 'routes', 'workers'],
  'packages/console/src/pages': ['lib', 'parts', 'views'],
  'packages/cli/src': [
    'terminal',
    'options',
    'errors',
    'call',
    'help',
    'secret',
    'store',
    'object',
    'access',
    'backup',
    'commands',
    'verbs',
  ],
  'tools/bench/src': ['measure', 'raw', 'rivals', 'programs', 'areas'],
  'tools/campaigns/src': ['trace', 'crash-images'],
  'tools/docs-check/src': ['compile', 'run', 'words', 'pages', 'blocks'],
  'tools/fuzz/src': ['targets', 'fuzzer'],
  'tools/reference/src': ['text', 'facts', 'pages'],
  'tools/services/src': ['service', 'servers', 'proxy', 'provide', 'vitest'],
  'tools/vectors/src': ['make', 'groups'],
};

const IMPORTED = /(?:\bfrom |\bimport\(|\bimport )'(?<path>\.[^']*)'/g;

/** The room of a file by its path; `undefined` if it is in none, as the entries of a package are. */
const roomOf = (path: string): string | undefined => (path.includes('/') ? path.split('/', 1)[0] : undefined);

/**
 * The imports, types included, that go from a room to a higher one, to a room that is not in the list, or to an entry, as
 * `file -> file`. What lies outside the folder is no concern of its rooms.
 *
 * @param folder - that has the rooms
 * @param rooms - in their order
 */
export function upwardImports(folder: string, rooms: readonly string[]): string[] {
  return globSync('**/*.{ts,tsx}', { cwd: folder }).flatMap((file) => {
    const own = roomOf(file);
    if (own === undefined) return [];
    const text = readFileSync(join(folder, file), 'utf8');
    return [...text.matchAll(IMPORTED)].flatMap(({ groups }) => {
      const other = posix.normalize(posix.join(posix.dirname(file), groups?.['path'] ?? ''));
      if (other.startsWith('..')) return [];
      const [from, to] = [rooms.indexOf(own), rooms.indexOf(roomOf(other) ?? '')];
      return from !== -1 && to !== -1 && to <= from ? [] : [`${file} -> ${other}`];
    });
  });
}
