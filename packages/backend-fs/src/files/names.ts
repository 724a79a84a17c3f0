/**
 * How keys lie in folders; `docs/decisions/file-layout.md` says why. A key's last component is a file, the others are
 * folders. The marks `+` and `=` are no characters of keys, so no two keys share a path and none leaves the root:
 *
 * - a file is its component and `+`, so that `foo` and `foo/bar` coexist;
 * - a folder is its component; one that ends in a dot gets `=`, since some file systems drop the dot;
 * - inside a folder, what begins with a letter or digit lies in a shard: a folder of `+` and that character. The
 *   root has no shards, so `o/…` and `store` are found by eye.
 */

const LEAF = '+';
const GUARD = '=';
const SHARD = '+';

/** Folders and files at the root that are not keys; nothing that {@link filePath} gives at the root begins so. */
export const TEMP_FOLDER = '+temp';
export const LOCK_FILE = '+lock';
export const CLOCK_FILE = '+clock';

function isSharded(component: string): boolean {
  return /^[a-z0-9]/.test(component);
}

function folderName(component: string): string {
  return component.endsWith('.') ? component + GUARD : component;
}

/** The shard in which `component` lies, with its slash; empty without one. */
export function shardOf(component: string): string {
  return isSharded(component) ? `${SHARD}${component.charAt(0)}/` : '';
}

/** The folder under the root, with a closing slash, that holds what begins with `prefix` (empty or ending in `/`). */
export function folderPath(prefix: string): string {
  let path = '';
  for (const [depth, component] of prefix.split('/').slice(0, -1).entries()) {
    path += `${depth === 0 ? '' : shardOf(component)}${folderName(component)}/`;
  }
  return path;
}

/** The path of the file of `key`, relative to the root. */
export function filePath(key: string): string {
  const slash = key.lastIndexOf('/');
  const component = key.slice(slash + 1);
  return `${folderPath(key.slice(0, slash + 1))}${slash === -1 ? '' : shardOf(component)}${component}${LEAF}`;
}

/** One thing in a folder. `order` is what its keys begin with below the folder; files are sorted as their whole rest. */
export interface Child {
  readonly kind: 'file' | 'folder' | 'shard';
  readonly order: string;
  /** Its name in the file system. */
  readonly name: string;
}

/** Where a directory entry is: at the root, in a folder, or in the shard of a character. */
export type Place = 'root' | 'folder' | { readonly shard: string };

function isPlaced(component: string, place: Place): boolean {
  if (!/^[a-z0-9.@~_-]+$/.test(component)) return false;
  if (place === 'root') return true;
  return place === 'folder' ? !isSharded(component) : component.startsWith(place.shard);
}

/** Reads a directory entry; `undefined` for what is no part of a key, or lies where no key would put it. */
export function parseChild(name: string, isFolder: boolean, place: Place): Child | undefined {
  if (name.startsWith(SHARD)) {
    const character = name.slice(1);
    const isShard = place === 'folder' && isFolder && character.length === 1 && isSharded(character);
    return isShard ? { kind: 'shard', order: character, name } : undefined;
  }
  if (!isFolder) {
    const component = name.slice(0, -1);
    return name.endsWith(LEAF) && isPlaced(component, place) ? { kind: 'file', order: component, name } : undefined;
  }
  const component = name.endsWith(GUARD) ? name.slice(0, -1) : name;
  const isOurs = folderName(component) === name && isPlaced(component, place);
  return isOurs ? { kind: 'folder', order: `${component}/`, name } : undefined;
}
