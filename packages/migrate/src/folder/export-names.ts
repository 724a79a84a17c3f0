import type { NamedObject } from './objects-below.ts';
import { SIDECAR_SUFFIX } from './sidecar.ts';

/** How the target of an export treats names of files. */
export interface FileNaming {
  readonly platform: NodeJS.Platform;
  /** Whether names that differ only in case are one file. */
  readonly caseInsensitive: boolean;
  /** Whether each file gets a sidecar beside it. */
  readonly sidecars: boolean;
}

/** Names of devices on Windows, in every folder and with any extension, also with spaces before that. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\.|$)/i;
/** Characters that Windows forbids or takes for a separator, a drive or a stream. */
const WINDOWS_FORBIDDEN = /[<>:"\\|?*]/;

/** Why `name` can't be the path of a file on this platform, or undefined. */
function platformObjection(name: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32') return undefined;
  for (const segment of name.split('/')) {
    if (WINDOWS_FORBIDDEN.test(segment)) return `"${segment}" has a character that file names cannot have on Windows`;
    if (WINDOWS_DEVICE.test(segment)) return `"${segment}" is the name of a device on Windows`;
    if (/[. ]$/.test(segment)) return `"${segment}" ends with a dot or space, which Windows drops`;
  }
  return undefined;
}

function* ancestors(name: string): Generator<string> {
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) yield name.slice(0, slash);
}

/** Says why an object can't have its name together with the others, or undefined if it can. */
export type Objection = (object: NamedObject) => string | undefined;

interface Names {
  /** The folders of objects. */
  readonly folders: ReadonlySet<string>;
  /** The key of the object that has a name, whatever the order of the objects. */
  readonly owners: ReadonlyMap<string, string>;
}

/** @param fold what names are compared as */
function namesOf(objects: readonly NamedObject[], fold: (name: string) => string): Names {
  const folders = new Set<string>();
  const owners = new Map<string, string>();
  for (const { key, name } of objects) {
    for (const folder of ancestors(fold(name))) folders.add(folder);
    const owner = owners.get(fold(name));
    if (owner === undefined || key < owner) owners.set(fold(name), key);
  }
  return { folders, owners };
}

/**
 * Objections to files of the names of objects. Whatever the order of `objects`, they are the same, so a repeated export writes the
 * same files.
 */
export function nameObjections(objects: readonly NamedObject[], naming: FileNaming): Objection {
  // Some letters have one in upper case only that is also that of another, such as the long s.
  const fold = (name: string): string => (naming.caseInsensitive ? name.toUpperCase().toLowerCase() : name);
  const { folders, owners } = namesOf(objects, fold);
  return (object) => {
    const name = fold(object.name);
    const objection = platformObjection(object.name, naming.platform);
    if (objection !== undefined) return objection;
    if (folders.has(name)) return `"${object.name}" would be a file and a folder, since other objects are below it`;
    const owner = owners.get(name);
    if (owner !== object.key) return `"${object.name}" would be the same file as "${owner}"`;
    const isSidecar = naming.sidecars && name.endsWith(SIDECAR_SUFFIX);
    const base = isSidecar ? owners.get(name.slice(0, -SIDECAR_SUFFIX.length)) : undefined;
    return base === undefined ? undefined : `"${object.name}" would be the sidecar of "${base}"`;
  };
}

/** Objections to members of one file. @param nested whether those of a folder are in one that has its name */
export function memberObjections(objects: readonly NamedObject[], nested: boolean): Objection {
  const { folders, owners } = namesOf(objects, (name) => name);
  return ({ key, name }) => {
    const owner = owners.get(name);
    if (owner !== key) return `"${name}" would have the same name in the file as "${owner}"`;
    if (!nested || !folders.has(name)) return undefined;
    return `"${name}" would be a text and an object in JSON, since other objects are below it`;
  };
}
