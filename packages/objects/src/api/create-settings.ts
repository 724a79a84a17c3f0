import type { CategoryMap, HistorySettings, Naming } from '@securestore/core-format';
import {
  compilePattern,
  DEFAULT_CATEGORY,
  ID_LENGTH,
  MAX_CATEGORIES,
  MAX_CATEGORY_RULES,
} from '@securestore/core-format';
import type { RandomSource, UnlockMethod } from '@securestore/crypto';
import { SUITE_IDS } from '@securestore/crypto';
import { parseNumbers } from '../util/parse-numbers.ts';
import { invalid } from '../util/invalid.ts';

/** What is decided when a store is created, and kept in it. */
export interface StoreSettings {
  readonly unlock: UnlockMethod;
  /**
   * Patterns of keys by the name of a category, which has its own encryption keys. The first pattern that matches a key decides; without a
   * match the category is `default`. Names that are whole numbers come first, as in any JavaScript object. Default no category.
   */
  readonly categories?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Which versions of an object the history keeps: those that either number keeps. Default 10 versions and 30 days. */
  readonly history?: { readonly versions?: number; readonly days?: number } | undefined;
  /** The age of encryption keys, in days, at which a process that keeps the store open rotates them; 0 for never. Default 0. */
  readonly rotation?: { readonly days?: number } | undefined;
  /**
   * The algorithms that encrypt everything in the store, and the only ones that it accepts. `1` is AES-256-GCM with HMAC-SHA-2; `2` is
   * XChaCha20-Poly1305 with BLAKE2b. Default 1.
   */
  readonly suite?: 1 | 2 | undefined;
  /** Whether the backend sees keys of objects: `encrypted` hides them, `plain` shows them. Default `encrypted`. */
  readonly names?: Naming | undefined;
  /**
   * Whether the journal records every change from the start, at the cost of one write for each change. Default from the first time that
   * something reads the journal.
   */
  readonly journal?: boolean | undefined;
}

const DEFAULT_SUITE = 1;
export const MAX_HISTORY = 1_000_000;
const DEFAULT_HISTORY: HistorySettings = { versions: 10, days: 30 };
export const MAX_ROTATION_DAYS = 36_500;
// Some letters are shown as nothing, and would make one name look like another.
const CATEGORY_NAME = /^(?!.*\p{Default_Ignorable_Code_Point})[\p{L}\p{N}][\p{L}\p{N}._-]*$/u;
const MAX_CATEGORY_NAME_BYTES = 64;

/** A category and its patterns, as they are given. */
type NamedPatterns = readonly [name: string, patterns: readonly string[]];

/**
 * @param before the names of categories that may have no patterns, since they are there
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function parseCategories(
  categories: StoreSettings['categories'],
  before: readonly string[] = [],
): readonly NamedPatterns[] {
  if (categories !== undefined && (typeof categories !== 'object' || categories === null || Array.isArray(categories)))
    invalid('the option "categories" must be an object with patterns by the names of categories', 'categories');
  return Object.entries(categories ?? {}).map(([name, patterns]) => {
    if (
      !CATEGORY_NAME.test(name) ||
      Buffer.byteLength(name) > MAX_CATEGORY_NAME_BYTES ||
      name.normalize('NFC') !== name
    ) {
      invalid(
        `a category name must be at most ${MAX_CATEGORY_NAME_BYTES} bytes of visible letters, digits, ".", "_" and "-", got ${JSON.stringify(name)}. ` +
          'It must begin with a letter or digit.',
        'categories',
      );
    }
    if (name === DEFAULT_CATEGORY)
      invalid(`the category "${DEFAULT_CATEGORY}" takes no patterns: it has all that no pattern matches`, 'categories');
    const list: unknown = typeof patterns === 'string' ? [patterns] : patterns;
    if (!Array.isArray(list) || (list.length === 0 && !before.includes(name)))
      invalid(`the category "${name}" must have at least one pattern`, 'categories');
    for (const pattern of list as unknown[]) compilePattern(pattern);
    return [name, list as string[]];
  });
}

/**
 * The category map with these patterns.
 *
 * @param before the one that it replaces: its categories keep their ids, and those that are not named any more have no patterns
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function categoryMapOf(
  named: readonly NamedPatterns[],
  random: RandomSource,
  before: CategoryMap = { categories: [{ id: random(ID_LENGTH), name: DEFAULT_CATEGORY }], rules: [] },
): CategoryMap {
  const isThere = (name: string): boolean => before.categories.some((category) => category.name === name);
  const added = named.filter(([name]) => !isThere(name)).map(([name]) => ({ id: random(ID_LENGTH), name }));
  const categories = [...before.categories, ...added];
  const ids = new Map(categories.map(({ id, name }) => [name, id]));
  const rules = named.flatMap(([name, patterns]) => {
    const categoryId = ids.get(name);
    return categoryId === undefined ? [] : patterns.map((pattern) => ({ pattern, categoryId }));
  });
  if (categories.length > MAX_CATEGORIES || rules.length > MAX_CATEGORY_RULES) {
    const got = `${categories.length} and ${rules.length}`;
    invalid(
      `a store has at most ${MAX_CATEGORIES} categories and ${MAX_CATEGORY_RULES} patterns, got ${got}`,
      'categories',
    );
  }
  return { categories, rules };
}

/** {@link StoreSettings} with the defaults filled in. */
export interface ParsedSettings {
  readonly history: HistorySettings;
  readonly rotationDays: number;
  readonly naming: Naming;
  readonly journal: boolean;
  readonly suite: 1 | 2;
  readonly categories: readonly NamedPatterns[];
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseHistory(
  given: StoreSettings['history'],
  before: HistorySettings = DEFAULT_HISTORY,
): HistorySettings {
  return parseNumbers('history', given, before, MAX_HISTORY);
}

/** The age of keys in days. @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseRotationDays(given: StoreSettings['rotation'], before = 0): number {
  return parseNumbers('rotation', given, { days: before }, MAX_ROTATION_DAYS).days;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseSettings(settings: StoreSettings): ParsedSettings {
  const history = parseHistory(settings.history);
  const rotationDays = parseRotationDays(settings.rotation);
  const naming = settings.names ?? 'encrypted';
  if (naming !== 'encrypted' && naming !== 'plain')
    invalid('the option "names" must be "encrypted" or "plain"', 'names');
  const { journal = false } = settings;
  if (typeof journal !== 'boolean') invalid('the option "journal" must be true or false', 'journal');
  const { suite = DEFAULT_SUITE } = settings;
  if (!SUITE_IDS.includes(suite)) invalid(`the option "suite" must be one of ${SUITE_IDS.join(', ')}`, 'suite');
  const categories = parseCategories(settings.categories);
  return { history, rotationDays, naming, journal, suite, categories };
}
