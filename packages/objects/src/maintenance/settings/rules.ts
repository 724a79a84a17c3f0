import { patternsMeet } from '@securestore/core-format';

/** Categories as they are given when a store is made. */
export type Categories = Readonly<Record<string, readonly string[] | string>>;

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
 * Whether categories mean the same, though in another order: that of two patterns counts only where they are of two categories, and some key
 * matches both.
 */
export function sameCategories(one: Categories, other: Categories): boolean {
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
