import type { CategoryMap, HistorySettings, Naming } from '@securestore/core-format';
import {
  compilePattern,
  DEFAULT_CATEGORY,
  ID_LENGTH,
  MAX_CATEGORIES,
  MAX_CATEGORY_RULES,
  SecureStoreError,
} from '@securestore/core-format';
import type { RandomSource, UnlockMethod } from '@securestore/crypto';
import { SUITE_IDS } from '@securestore/crypto';
import { parseNumbers } from './parse-numbers.ts';

/** What is decided when a store is made, and kept in it. */
export interface StoreSettings {
  readonly unlock: UnlockMethod;
  /**
   * Path patterns by the name of a category; each category has its own keys. The first that matches decides; what none does
   * is `default`.
   */
  readonly categories?: Readonly<Record<string, readonly string[]>> | undefined;
  /** How much of an object's past is kept: whatever either rule keeps. Default 10 versions, 30 days. */
  readonly history?: { readonly versions?: number; readonly days?: number } | undefined;
  /**
   * The age of keys, in days, at which a process that keeps the store open makes new ones; 0, the default, for never.
   */
  readonly rotation?: { readonly days?: number } | undefined;
  /**
   * The algorithms that everything in the store is sealed with, and the only ones that it accepts: `1`, the default, is
   * AES-256-GCM with HMAC-SHA-2; `2` is XChaCha20-Poly1305 with BLAKE2b.
   */
  readonly suite?: 1 | 2 | undefined;
  /** `plain` shows object names to the backend. Default `encrypted`. */
  readonly names?: Naming | undefined;
  /**
   * Whether every mutation is announced in the journal from the start, at the cost of a write each. By default from the
   * moment that something reads the journal.
   */
  readonly journal?: boolean | undefined;
}

const DEFAULT_SUITE = 1;
const MAX_HISTORY = 1_000_000;
const DEFAULT_HISTORY: HistorySettings = { versions: 10, days: 30 };
const MAX_ROTATION_DAYS = 36_500;
const CATEGORY_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u;
const MAX_CATEGORY_NAME_BYTES = 64;

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

function parseCategories(categories: StoreSettings['categories'], random: RandomSource): CategoryMap {
  const entries = Object.entries(categories ?? {});
  const named = entries.map(([name, patterns]) => {
    if (
      !CATEGORY_NAME.test(name) ||
      Buffer.byteLength(name) > MAX_CATEGORY_NAME_BYTES ||
      name.normalize('NFC') !== name
    ) {
      invalid(
        'the name of a category must be letters, digits, ".", "_" and "-", at most 64 bytes, beginning with a letter or digit',
      );
    }
    if (name === DEFAULT_CATEGORY)
      invalid(`"${DEFAULT_CATEGORY}" is the category of all that no pattern names; it takes no patterns`);
    const list: unknown = typeof patterns === 'string' ? [patterns] : patterns;
    if (!Array.isArray(list) || list.length === 0) invalid(`the category "${name}" needs at least one pattern`);
    for (const pattern of list as unknown[]) compilePattern(pattern);
    return { id: random(ID_LENGTH), name, patterns: list as string[] };
  });
  const rules = named.flatMap(({ id, patterns }) => patterns.map((pattern) => ({ pattern, categoryId: id })));
  if (named.length >= MAX_CATEGORIES || rules.length > MAX_CATEGORY_RULES)
    invalid('there are too many categories or patterns');
  const all = [{ id: random(ID_LENGTH), name: DEFAULT_CATEGORY }, ...named.map(({ id, name }) => ({ id, name }))];
  return { categories: all, rules };
}

/** {@link StoreSettings} with the defaults filled in. */
export interface ParsedSettings {
  readonly history: HistorySettings;
  readonly rotationDays: number;
  readonly naming: Naming;
  readonly journal: boolean;
  readonly suite: 1 | 2;
  readonly map: CategoryMap;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseSettings(settings: StoreSettings, random: RandomSource): ParsedSettings {
  const history: HistorySettings = parseNumbers('history', settings.history, DEFAULT_HISTORY, MAX_HISTORY);
  const rotation = parseNumbers('rotation', settings.rotation, { days: 0 }, MAX_ROTATION_DAYS);
  const naming = settings.names ?? 'encrypted';
  if (naming !== 'encrypted' && naming !== 'plain') invalid('the option "names" must be "encrypted" or "plain"');
  const { journal = false } = settings;
  if (typeof journal !== 'boolean') invalid('the option "journal" must be true or false');
  const { suite = DEFAULT_SUITE } = settings;
  if (!SUITE_IDS.includes(suite)) invalid(`the option "suite" must be one of ${SUITE_IDS.join(', ')}`);
  const map = parseCategories(settings.categories, random);
  return { history, rotationDays: rotation.days, naming, journal, suite, map };
}
