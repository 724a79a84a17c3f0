import { byBytes } from '@securestore/core-format';
import type { PageRequest } from './browse.ts';
import { progressAt } from './browse.ts';
import type { Item, Source } from './source.ts';
import { yieldTurn } from './source.ts';
import type { FindPage, FoundKey } from './types.ts';

/** How many names are looked at for a page. */
const MAX_STEPS = 10_000;

/** The name of an item where it is one that is looked for, and may be known of. */
async function match(item: Item, wanted: string, { prefix, sees, signal }: PageRequest): Promise<string | undefined> {
  const name = await item.name(signal);
  // Asked first: how long a page takes must not tell what is in names that may not be seen.
  if (name === undefined || !sees(name) || !name.startsWith(prefix)) return undefined;
  return name.toLowerCase().includes(wanted) ? name : undefined;
}

/** A page of the names that have a text in them, also of what was deleted. */
export async function find(source: Source, contains: string, request: PageRequest): Promise<FindPage> {
  const { prefix, after, limit, seal, signal } = request;
  const about = ['find', source.id, prefix, contains];
  const end = seal.open(after, about);
  const within = source.names.folderOf(prefix);
  const wanted = contains.toLowerCase();
  const names: FoundKey[] = [];
  const inOrder = (): FoundKey[] => names.toSorted((a, b) => byBytes(a.key, b.key));
  const page = (token: string): FindPage => {
    const progress = progressAt(source, prefix, token);
    return { ...source.info, keys: inOrder(), progress, after: seal.seal({ token }, about) };
  };
  let [left, last] = [MAX_STEPS, end !== undefined && 'token' in end ? end.token : within];
  for await (const item of source.items(last, signal)) {
    if (!item.token.startsWith(within)) break;
    if (left-- <= 0) return page(last);
    last = item.token;
    await yieldTurn(left);
    const key = await match(item, wanted, request);
    if (key === undefined) continue;
    const current = await item.current(signal);
    if (current !== undefined) names.push({ key, ...current });
    // At once: whether anything comes after it may not be for whoever asks.
    if (names.length >= limit) return page(last);
  }
  return { ...source.info, keys: inOrder(), progress: 1 };
}
