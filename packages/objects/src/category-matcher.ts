import type { CategoryMap, StoreKey } from '@securestore/core-format';
import { asBuffer, DEFAULT_CATEGORY, parseStoreKey, SecureStoreError } from '@securestore/core-format';

/** Which category an object belongs to. */
export interface CategoryMatcher {
  idOf(key: StoreKey): Buffer;
  nameOf(id: Uint8Array): string;
}

function escapeText(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}

/**
 * Checks a pattern and makes it a regular expression over a whole key: `*` is any text within a segment, `**` as a
 * whole segment any number of segments.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function compilePattern(pattern: unknown): RegExp {
  const wrong = (reason: string): never => {
    throw new SecureStoreError('INVALID_ARGUMENT', `the pattern ${JSON.stringify(pattern)} ${reason}`);
  };
  if (typeof pattern !== 'string') return wrong('is not a string');
  try {
    parseStoreKey(pattern);
  } catch {
    wrong('has a segment that no key can have');
  }
  const segments = pattern.split('/');
  if (segments.some((segment) => segment !== '**' && segment.includes('**')))
    wrong('has "**" beside other text in a segment');
  if (segments.some((segment, index) => segment === '**' && segments[index + 1] === '**')) wrong('repeats "**"');
  let source = '';
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '**') source += last ? '.+' : '(?:.+/)?';
    else source += segment.split('*').map(escapeText).join('[^/]*') + (last ? '' : '/');
  }
  return new RegExp(`^${source}$`, 'su');
}

export function categoryMatcher(map: CategoryMap): CategoryMatcher {
  const [first] = map.categories;
  if (first?.name !== DEFAULT_CATEGORY)
    throw new SecureStoreError('INTEGRITY', 'the category map has no default category');
  const defaultId = Buffer.from(first.id);
  const rules = map.rules.map(({ pattern, categoryId }) => ({
    test: compilePattern(pattern),
    id: Buffer.from(categoryId),
  }));
  const names = new Map(map.categories.map(({ id, name }) => [Buffer.from(id).toString('latin1'), name]));
  return {
    idOf: (key) => (rules.length === 0 ? defaultId : (rules.find(({ test }) => test.test(key))?.id ?? defaultId)),
    nameOf: (id) => names.get(asBuffer(id).toString('latin1')) ?? DEFAULT_CATEGORY,
  };
}
