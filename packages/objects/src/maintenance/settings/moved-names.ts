import { AREAS, objectName, parseStoreKey } from '@securestore/core-format';
import type { StoreKey } from '@securestore/core-format';
import type { CategoryMatcher } from '../../head/category-matcher.ts';
import type { Engine } from '../../engine/engine.ts';
import { readName } from '../../object/list.ts';
import { entriesUnder } from '../../util/listing.ts';

/** An object that other categories would take into another one. */
export interface MovedName {
  /** By which the backend knows it. */
  readonly token: string;
  /** `undefined` for one that was deleted, and has so long a name that only its data told it. */
  readonly key: StoreKey | undefined;
  readonly from: string;
  readonly to: string;
}

const WILDCARD = /\*/;

/** The folder in which all names are that a pattern matches, as a raw prefix. */
function folderOf(pattern: string): string {
  const segments = pattern.split('/');
  const first = segments.findIndex((segment) => WILDCARD.test(segment));
  const fixed = segments.slice(0, first === -1 ? -1 : first);
  return fixed.map((segment) => `${segment}/`).join('');
}

const rulesOf = (categories: CategoryMatcher): string[] =>
  categories.map.rules.map(({ pattern, categoryId }) => `${categories.nameOf(categoryId)} ${pattern}`);

/** The folders that have all names whose category may change, none within another one. */
function foldersBetween(before: CategoryMatcher, after: CategoryMatcher): string[] {
  const [rules, others] = [new Set(rulesOf(before)), new Set(rulesOf(after))];
  const kept = [rulesOf(before), rulesOf(after)].map((all) => all.filter((one) => rules.has(one) && others.has(one)));
  const inOrder = kept[0]?.join('\n') === kept[1]?.join('\n');
  const changed = [...rules, ...others].filter((one) => !inOrder || !rules.has(one) || !others.has(one));
  const folders = [...new Set(changed.map((one) => folderOf(one.slice(one.indexOf(' ') + 1))))];
  return folders.filter((one) => !folders.some((other) => other !== one && one.startsWith(other)));
}

/**
 * The objects that would be in another category, those that were deleted and are in the history too.
 *
 * @throws SecureStoreError what listing the store throws
 */
export async function* movedNames(
  engine: Engine,
  before: CategoryMatcher,
  after: CategoryMatcher,
  signal: AbortSignal | undefined,
): AsyncGenerator<MovedName> {
  const { backend, names } = engine;
  for (const prefix of foldersBetween(before, after)) {
    const visible = names.visibleFolder(prefix);
    const folder = visible === '' ? AREAS.objects : `${objectName(visible)}/`;
    for await (const entry of entriesUnder(backend, folder, { signal })) {
      const token = entry.key.slice(AREAS.objects.length);
      const opened = names.open(token);
      const name = 'hidden' in opened ? await readName(engine, token, signal) : opened.name;
      if (name === undefined) {
        yield { token, key: undefined, from: '', to: '' };
        continue;
      }
      const key = parseStoreKey(name);
      const [from, to] = [before.idOf(key), after.idOf(key)];
      if (!from.equals(to)) yield { token, key, from: before.nameOf(from), to: after.nameOf(to) };
    }
  }
}
