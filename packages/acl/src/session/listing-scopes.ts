import type { ObjectAction } from '../rules/actions.ts';
import type { Checks } from '../guard/checks.ts';

/** So many parts of a store are listed one by one; if rules name more, all of it is. */
const MAX_SCOPES = 100;

/** What begins with one of the first and with one of the second. */
function intersection(first: readonly string[], second: readonly string[]): string[] {
  return first.flatMap((one) =>
    second.flatMap((other) => (one.startsWith(other) ? [one] : other.startsWith(one) ? [other] : [])),
  );
}

/** The same names by prefixes of which none begins with another one, in order. */
function disjoint(prefixes: readonly string[]): string[] {
  const sorted = [...new Set(prefixes)].toSorted();
  const kept: string[] = [];
  // What begins with a prefix comes right after it.
  for (const prefix of sorted) if (kept.length === 0 || !prefix.startsWith(kept.at(-1) ?? '')) kept.push(prefix);
  return kept;
}

/**
 * The parts of a store in which a listing looks: outside of them no rule of the principal allows anything, so no name there is read or decrypted.
 *
 * @param actions all of which a name takes to be shown
 */
export function scopesOf(checks: Checks, prefix: string, actions: readonly ObjectAction[]): readonly string[] {
  const allowed = actions.reduce<readonly string[]>(
    (scopes, action) => disjoint(intersection(scopes, checks.prefixes(action))),
    [prefix],
  );
  return allowed.length > MAX_SCOPES ? [prefix] : allowed;
}

/** Where a listing goes on: in the part in which it ended, then in those that come after it. */
export function scopesAfter(scopes: readonly string[], after: string): readonly string[] {
  return scopes.filter((scope) => after.startsWith(scope) || scope > after);
}
