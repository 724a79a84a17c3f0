import { readlink, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { StorageBackend } from './contract.ts';

/** How one place lies to another: in its folder, or around it. */
export type Nesting = 'inside' | 'around';

/** Of a place: where it is on this machine. */
type Local = Pick<StorageBackend, 'localPath'>;

const MAX_LINKS = 40;

/** The nearest thing that is there, from a path upwards, as it is without links. What a link leads to may not be there yet. */
async function nearest(path: string, links = MAX_LINKS): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const above = dirname(path);
    const link = await readlink(path).catch(() => undefined);
    if (link !== undefined && links > 0) return nearest(resolve(await nearest(above), link), links - 1);
    return above === path ? path : nearest(above, links);
  }
}

/** What tells files and folders apart, whatever they are called; `undefined` for what is not there. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.dev}:${found.ino}`;
}

/** Whether a path is, or would come to be, below a folder. */
async function isBelow(path: string, folder: string): Promise<boolean> {
  const wanted = await identityOf(folder);
  // What is not there has nothing in it.
  if (wanted === undefined || (await identityOf(path)) === wanted) return false;
  for (let at = await nearest(path); ; at = dirname(at)) {
    if ((await identityOf(at)) === wanted) return true;
    if (dirname(at) === at) return false;
  }
}

/**
 * How `a` lies to `b`, where both are on this machine and whoever removes the one would remove the other. Links and spelling make no
 * difference. That both are in the same place is not told: what lies there does.
 */
export async function nestingOf(a: Local, b: Local): Promise<Nesting | undefined> {
  const [path, other] = [a.localPath?.(), b.localPath?.()];
  if (path === undefined || other === undefined) return undefined;
  if (await isBelow(path, other)) return 'inside';
  return (await isBelow(other, path)) ? 'around' : undefined;
}
