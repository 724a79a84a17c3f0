import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The rooms of the packages that have some, folders of their `src`: a file imports from its own room and from those before it. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  objects: [
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
  backup: [
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
};

const IMPORTED = /(?:\bfrom |\bimport\(|\bimport )'(?<path>\.[^']*)'/g;

/** The room of a file by its path in `src`; `undefined` for one that lies in none, as the entries of a package do. */
const roomOf = (path: string): string | undefined => (path.includes('/') ? path.split('/', 1)[0] : undefined);

/**
 * The imports of a package, types included, that go from a room to a later one or to an entry of the package, or from a room that is not
 * in the list, as `file -> file`.
 *
 * @param folder - of the package
 * @param rooms - in their order
 */
export function upwardImports(folder: string, rooms: readonly string[]): string[] {
  const source = join(folder, 'src');
  return globSync('**/*.ts', { cwd: source }).flatMap((file) => {
    const own = roomOf(file);
    if (own === undefined) return [];
    const text = readFileSync(join(source, file), 'utf8');
    return [...text.matchAll(IMPORTED)].flatMap(({ groups }) => {
      const other = posix.normalize(posix.join(posix.dirname(file), groups?.['path'] ?? ''));
      const [from, to] = [rooms.indexOf(own), rooms.indexOf(roomOf(other) ?? '')];
      return from !== -1 && to !== -1 && to <= from ? [] : [`${file} -> ${other}`];
    });
  });
}
