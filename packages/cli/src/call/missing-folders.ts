import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Output } from './output.ts';
import { printable } from '../terminal/terminal-text.ts';

const PATH_SCHEMES: ReadonlySet<string> = new Set(['file', 'sqlite']);

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Says which folders above a new store are made for it: a store URL that is misspelt would otherwise be taken without a word.
 *
 * @param url a store URL
 */
export async function sayMissingFolders(out: Output, url: string): Promise<void> {
  const colon = url.indexOf(':');
  if (!PATH_SCHEMES.has(url.slice(0, colon))) return;
  const path = url.slice(colon + 1);
  const folder = dirname(resolve(path.startsWith('///') ? path.slice(2) : path));
  let outermost: string | undefined;
  for (let at = folder; at !== dirname(at) && !(await isThere(at)); at = dirname(at)) outermost = at;
  if (outermost === undefined) return;
  const missing = outermost === folder ? 'which does' : `and its parents from ${printable(outermost)} on, which do`;
  out.note(`creating the folder ${printable(folder)}, ${missing} not exist`);
}
