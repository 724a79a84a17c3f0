import type { CategoryMap, CategoryRule, KeyTest, StoreKey } from '@securestore/core-format';
import { asBuffer, compilePattern, DEFAULT_CATEGORY, SecureStoreError } from '@securestore/core-format';

/** Which category an object belongs to. */
export interface CategoryMatcher {
  readonly map: CategoryMap;
  /** Of all categories, the default one first. */
  readonly names: readonly string[];
  /** The patterns of all but the default one, as they are given when a store is made: in the order in which they decide. */
  readonly patterns: Readonly<Record<string, readonly string[]>>;
  idOf(key: StoreKey): Buffer;
  nameOf(id: Uint8Array): string;
  /** The id of the category with a name; `undefined` if there is none. */
  find(name: string): Uint8Array | undefined;
}

/** A pattern that no writer accepts; it isn't shown, since patterns are sealed. */
function testOf(pattern: string): KeyTest {
  try {
    return compilePattern(pattern);
  } catch (cause) {
    if (!SecureStoreError.is(cause, 'INVALID_ARGUMENT')) throw cause;
    throw new SecureStoreError('INTEGRITY', 'the category map is damaged: it has an invalid pattern');
  }
}

function patternsIn({ categories, rules }: CategoryMap): CategoryMatcher['patterns'] {
  const named = categories.slice(1).map(({ id, name }) => {
    const isOwn = ({ categoryId }: CategoryRule): boolean => Buffer.compare(categoryId, id) === 0;
    return { name, first: rules.findIndex(isOwn), patterns: rules.filter(isOwn).map(({ pattern }) => pattern) };
  });
  const last = rules.length;
  const place = (first: number): number => (first === -1 ? last : first);
  return Object.fromEntries(
    named.toSorted((a, b) => place(a.first) - place(b.first)).map(({ name, patterns }) => [name, patterns]),
  );
}

/** @throws SecureStoreError `INTEGRITY` */
export function categoryMatcher(map: CategoryMap): CategoryMatcher {
  const [first] = map.categories;
  if (first?.name !== DEFAULT_CATEGORY)
    throw new SecureStoreError('INTEGRITY', 'the category map has no default category');
  const defaultId = Buffer.from(first.id);
  const rules = map.rules.map(({ pattern, categoryId }) => ({
    test: testOf(pattern),
    id: Buffer.from(categoryId),
  }));
  const names = new Map(map.categories.map(({ id, name }) => [Buffer.from(id).toString('latin1'), name]));
  return {
    map,
    names: map.categories.map(({ name }) => name),
    patterns: patternsIn(map),
    idOf(key) {
      if (rules.length === 0) return defaultId;
      const segments = key.split('/');
      return rules.find(({ test }) => test(segments))?.id ?? defaultId;
    },
    nameOf: (id) => names.get(asBuffer(id).toString('latin1')) ?? DEFAULT_CATEGORY,
    find: (name) => map.categories.find((category) => category.name === name)?.id,
  };
}
