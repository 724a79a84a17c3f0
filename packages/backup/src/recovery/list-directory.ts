import { pastFolder } from '@securestore/objects/internal';
import type { Source } from './source.ts';
import { yieldTurn } from './source.ts';

/** Names that are passed over one by one before it is looked for what comes after them all. */
const PASSED_ONE_BY_ONE = 64;

/** Something in a folder: an object, or with `/` at its end another folder. */
export interface Child {
  readonly key: string;
  /** Where looking goes on after it. */
  readonly token: string;
}

/** What is looked for in a folder. */
export interface ChildrenOptions {
  /** The folder, and perhaps what names in it begin with. */
  readonly prefix: string;
  /** Whether somebody may know of a name. */
  readonly sees: (key: string) => boolean;
  /** A token. */
  readonly after?: string | undefined;
  /** How many children, and how many names are looked at, at most. */
  readonly most: number;
  readonly steps: number;
  readonly signal: AbortSignal | undefined;
}

export interface Children {
  readonly children: readonly Child[];
  /** Where to go on; absent if that was all. */
  readonly next?: string;
}

/**
 * What is in a folder at a moment, in the order of the store, as far as the steps go. Folders in it are not searched: the first visible
 * name shows each.
 */
export async function childrenOf(
  source: Source,
  { prefix, sees, after, most, steps, signal }: ChildrenOptions,
): Promise<Children> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const within = source.names.folderOf(prefix);
  const folders = new Set<string>();
  const children: Child[] = [];
  let left = steps;
  /** @returns whether nothing else in the same folder is of interest */
  const take = (name: string, token: string): boolean => {
    // Asked first: how far a page gets must not tell what names begin with that may not be seen.
    if (!sees(name)) return false;
    const slash = name.indexOf('/', folder.length);
    if (!name.startsWith(prefix)) return name.startsWith(folder) && slash !== -1;
    if (slash === -1) {
      children.push({ key: name, token });
      return false;
    }
    const key = name.slice(0, slash + 1);
    if (!folders.has(key)) children.push({ key, token: pastFolder(token, within) ?? token });
    folders.add(key);
    return true;
  };
  /** One pass. @returns where another one begins, what was found where that is enough, or `undefined` at the end */
  const pass = async (from: string): Promise<Children | string | undefined> => {
    let [last, past, passed] = [from, '', 0];
    for await (const item of source.items(from, signal)) {
      if (!item.token.startsWith(within)) return undefined;
      if (left-- <= 0) return { children, next: past > last ? past : last };
      last = item.token;
      await yieldTurn(left);
      if (item.token <= past) {
        passed += 1;
        if (passed > PASSED_ONE_BY_ONE) return past;
        continue;
      }
      const name = item.isThere ? await item.name(signal) : undefined;
      if (name === undefined) continue;
      if (take(name, item.token)) [past, passed] = [pastFolder(item.token, within) ?? item.token, 0];
      if (children.length >= most) return { children, next: children.at(-1)?.token ?? item.token };
    }
    return undefined;
  };
  for (let from: string | undefined = after ?? within; from !== undefined;) {
    const end: Children | string | undefined = await pass(from);
    if (typeof end === 'object') return end;
    from = end;
  }
  return { children };
}
