import { encodeBase32, patternsMeet, SecureStoreError, sha256 } from '@securestore/core-format';
import type { StoreState } from '../../head/store-state.ts';
import type { StoreSettings } from '../../api/create-settings.ts';
import type { Settings } from '../../api/settings-types.ts';

const VERSION_LENGTH = 16;

/** The settings of a store that can be changed. */
export const CHANGEABLE: readonly string[] = ['categories', 'history', 'rotation'];

/** The settings of a store as it is known. */
export function settingsOf({ head, categories: { patterns: categories } }: StoreState): Settings {
  const history = { versions: head.history.versions, days: head.history.days };
  const rotation = { days: head.rotationDays };
  const changeable = Buffer.from(JSON.stringify([Object.entries(categories), history, rotation]));
  return {
    version: encodeBase32(sha256(changeable).subarray(0, VERSION_LENGTH)),
    categories,
    history,
    rotation,
    names: head.naming,
    suite: head.suites[0] ?? 0,
    journal: head.journal === 'on',
  };
}

/** What a store has of one setting, and what was asked for. */
type Difference = readonly [setting: string, has: unknown, asked: unknown];

/** @param asked valid settings; what is left out is not compared */
function differences(settings: Settings, asked: Omit<StoreSettings, 'unlock'>): Difference[] {
  const { history, rotation } = settings;
  const found: Difference[] = [
    ['names', settings.names, asked.names],
    ['suite', settings.suite, asked.suite],
    ['history.versions', history.versions, asked.history?.versions],
    ['history.days', history.days, asked.history?.days],
    ['rotation.days', rotation.days, asked.rotation?.days],
    // What reads the journal switches it on by itself.
    ['journal', settings.journal, asked.journal === true ? true : undefined],
  ];
  const { categories } = asked;
  if (categories !== undefined && !sameCategories(settings.categories, categories)) {
    found.push(['categories', settings.categories, categories]);
  }
  return found.filter(([, has, value]) => value !== undefined && value !== has);
}

/**
 * Whether the settings that a store has are those that are asked for.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` with each difference
 */
export function checkSettings(state: StoreState, asked: Omit<StoreSettings, 'unlock'>): void {
  const found = differences(settingsOf(state), asked);
  if (found.length === 0) return;
  const told = found.map(
    ([setting, has, value]) => `${setting} is ${JSON.stringify(has)}, not ${JSON.stringify(value)}`,
  );
  const isOf = (settings: readonly string[]): boolean =>
    found.some(([setting]) => settings.includes(setting.split('.')[0] ?? ''));
  throw new SecureStoreError('INVALID_ARGUMENT', `the store already exists with other settings: ${told.join('; ')}`, {
    advice: [
      { id: 'show-settings' },
      ...(isOf(CHANGEABLE) ? [{ id: 'change-settings' } as const] : []),
      ...(isOf(['names', 'suite']) ? [{ id: 'migrate-reencrypted' } as const] : []),
    ],
  });
}

/** Categories as they are given when a store is made. */
type Categories = Readonly<Record<string, readonly string[] | string>>;

interface Rule {
  readonly pattern: string;
  readonly category: string;
}

/** The rules in their order, without those that an equal pattern before them leaves nothing to decide. */
function rulesOf(categories: Categories): Rule[] {
  const rules = Object.entries(categories).flatMap(([category, patterns]) =>
    [patterns].flat().map((pattern) => ({ pattern, category })),
  );
  const seen = new Set<string>();
  return rules.filter(({ pattern }) => !seen.has(pattern) && seen.add(pattern));
}

/**
 * Whether categories mean the same, though in another order: that of two patterns counts only if they are of two categories, and some key
 * matches both.
 */
function sameCategories(one: Categories, other: Categories): boolean {
  const [rules, others] = [rulesOf(one), rulesOf(other)];
  if (rules.length !== others.length) return false;
  const places = new Map(others.map(({ pattern }, place) => [pattern, place]));
  const found = rules.map(({ pattern, category }) => {
    const place = places.get(pattern) ?? -1;
    return { pattern, category, place, isSame: others[place]?.category === category };
  });
  if (!found.every(({ isSame }) => isSame)) return false;
  return found.every((rule, at) =>
    found
      .slice(at + 1)
      .every(
        (later) =>
          later.place > rule.place || later.category === rule.category || !patternsMeet(rule.pattern, later.pattern),
      ),
  );
}
