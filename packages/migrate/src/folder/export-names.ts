import type { NamedObject } from './objects-below.ts';
import { SIDECAR_SUFFIX } from './sidecar.ts';

/** What the place that files are written to makes of their names. */
export interface FileNaming {
  readonly platform: NodeJS.Platform;
  /** Whether names that differ only in case are one file. */
  readonly caseInsensitive: boolean;
  /** Whether each file gets a sidecar beside it. */
  readonly sidecars: boolean;
}

/** Names of devices on Windows, in every folder and with any extension. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** Characters that Windows forbids or takes for a separator, a drive or a stream. */
const WINDOWS_FORBIDDEN = /[<>:"\\|?*]/;

/** Why `name` can't be the path of a file on this platform, or undefined. */
function platformObjection(name: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32') return undefined;
  for (const segment of name.split('/')) {
    if (WINDOWS_FORBIDDEN.test(segment)) return `"${segment}" has a character that no file name has on Windows`;
    if (WINDOWS_DEVICE.test(segment)) return `"${segment}" is a device on Windows`;
    if (/[. ]$/.test(segment)) return `"${segment}" ends with a dot or space, which Windows drops`;
  }
  return undefined;
}

function* ancestors(name: string): Generator<string> {
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) yield name.slice(0, slash);
}

/**
 * Says for each object why it can't be a file of its name beside the others, or undefined where it can. Whatever
 * the order of `objects`, the answers are the same, so a repeated export writes the same files.
 */
export function nameObjections(
  objects: readonly NamedObject[],
  naming: FileNaming,
): (object: NamedObject) => string | undefined {
  const fold = (name: string): string => (naming.caseInsensitive ? name.toLowerCase() : name);
  const folders = new Set<string>();
  const owners = new Map<string, NamedObject>();
  for (const object of objects) {
    for (const folder of ancestors(fold(object.name))) folders.add(folder);
    const owner = owners.get(fold(object.name));
    if (owner === undefined || object.key < owner.key) owners.set(fold(object.name), object);
  }
  return (object) => {
    const name = fold(object.name);
    const objection = platformObjection(object.name, naming.platform);
    if (objection !== undefined) return objection;
    if (folders.has(name)) return 'other objects are below its name, and a file and a folder cannot share a name';
    const owner = owners.get(name);
    if (owner?.key !== object.key) return `its file would be that of "${owner?.key}"`;
    const base = naming.sidecars && name.endsWith(SIDECAR_SUFFIX) && owners.get(name.slice(0, -SIDECAR_SUFFIX.length));
    return base ? `its file would be the metadata of "${base.key}"` : undefined;
  };
}
