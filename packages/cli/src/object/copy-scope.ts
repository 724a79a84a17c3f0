import { parseStoreKey } from '@securestore/core-format';
import { refuse } from '../errors/refuse.ts';

/** Which keys are copied, and what each becomes. */
export type CopyScope =
  | { readonly kind: 'object'; readonly from: string; readonly to: string }
  /** Everything below `from`, which as `to` is without the `/` at its end. */
  | { readonly kind: 'folder'; readonly from: string; readonly to: string };

/** A key, and the one that it is copied to. */
export interface KeyPair {
  readonly from: string;
  readonly to: string;
}

/** @throws `INVALID_ARGUMENT` for a name that is only `/` or empty: a variable that is not set must not mean everything */
function folderOf(text: string): string {
  const folder = text.replace(/\/$/, '');
  if (folder === '') refuse(`${JSON.stringify(text)} names no folder`);
  return parseStoreKey(folder);
}

/**
 * What the operands of `cp` and `mv` mean.
 *
 * @param areFolders whether they are folders even without the `/` at their end
 * @throws `INVALID_ARGUMENT` if both are the same, or a folder would go into itself; `INVALID_KEY`
 */
export function parseCopyScope(from: string, to: string, areFolders: boolean): CopyScope {
  if (areFolders || from.endsWith('/')) {
    const [source, target] = [folderOf(from), folderOf(to)];
    if (source === target) refuse(`source and target are the same folder ${JSON.stringify(`${source}/`)}`);
    if (target.startsWith(`${source}/`)) {
      refuse(`the folder ${JSON.stringify(`${source}/`)} cannot go into itself, got ${JSON.stringify(`${target}/`)}`);
    }
    return { kind: 'folder', from: source, to: target };
  }
  const key = parseStoreKey(from);
  const target = to.endsWith('/') ? `${folderOf(to)}/${key.slice(key.lastIndexOf('/') + 1)}` : to;
  parseStoreKey(target);
  if (target === key) refuse(`source and target are the same key ${JSON.stringify(key)}`);
  return { kind: 'object', from: key, to: target };
}

/**
 * The keys below a folder, each with the one that it is copied to.
 *
 * @throws `INVALID_ARGUMENT` if one would be both read and written, so that the result would depend on the order
 */
export function pairsBelow(keys: readonly string[], from: string, to: string): KeyPair[] {
  const sources = new Set(keys);
  return keys.map((key) => {
    const target = `${to}/${key.slice(from.length + 1)}`;
    if (sources.has(target)) refuse(`${JSON.stringify(target)} would be both source and target. Nothing was changed.`);
    return { from: key, to: target };
  });
}
