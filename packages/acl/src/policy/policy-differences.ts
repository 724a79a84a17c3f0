import { digestOf, plain } from '../approval/approval-plan.ts';
import type { PrincipalName } from '../rules/identity.ts';
import type { Grant, Policy, Principal, Role } from '../rules/types.ts';

/** The most of one line, and of all lines, in characters: all requests lie in one document. */
const MAX_LINE = 400;
const MAX_LINES = 1400;

const quoted = (value: unknown): string => JSON.stringify(plain(value) ?? null);

function line(text: string): string {
  if (text.length <= MAX_LINE) return text;
  return `${text.slice(0, MAX_LINE).toWellFormed()}… (${text.length} characters)`;
}

/** What is new, another one, and gone, by its name. */
function* differences<T extends { readonly name: string }>(
  before: readonly T[],
  after: readonly T[],
): Generator<readonly [old: T | undefined, next: T | undefined]> {
  const old = new Map(before.map((one) => [one.name, one]));
  for (const next of after) {
    const found = old.get(next.name);
    if (found === undefined || digestOf(plain(found) ?? null) !== digestOf(plain(next) ?? null)) yield [found, next];
    old.delete(next.name);
  }
  for (const gone of old.values()) yield [gone, undefined];
}

function grantText({ role, expires }: Grant): string {
  return expires === undefined ? quoted(role) : `${quoted(role)} until ${new Date(expires).toISOString()}`;
}

function principalText(old: Principal | undefined, { kind, disabled, grants }: Principal): string {
  const [before, after] = [(old?.grants ?? []).map(grantText), grants.map(grantText)];
  const granted = after.filter((one) => !before.includes(one));
  const taken = before.filter((one) => !after.includes(one));
  const isOther = disabled !== (old?.disabled ?? false);
  return [
    ...(old?.kind === kind ? [] : [old === undefined ? `new, a ${kind}` : `a ${kind}`]),
    ...granted.map((one) => `gets ${one}`),
    ...taken.map((one) => `loses ${one}`),
    ...(isOther ? [disabled ? 'is disabled' : 'is not disabled any more'] : []),
  ].join(', ');
}

const principalLine = ([old, next]: readonly [Principal | undefined, Principal | undefined]): string =>
  `principal ${quoted((next ?? old)?.name)}: ${next === undefined ? 'removed' : principalText(old, next)}`;

const roleLine = ([old, next]: readonly [Role | undefined, Role | undefined]): string =>
  `role ${quoted((next ?? old)?.name)}: ${next === undefined ? 'removed' : `${old === undefined ? 'new, with' : 'from now on with'} ${quoted(next.rules)}`}`;

/**
 * How one policy differs from another one, in lines; of many the first ones, and how many more there are.
 *
 * @param removed principals that are removed on the way, also those who are there again afterwards
 */
export function policyDifferences(before: Policy, after: Policy, removed: ReadonlySet<PrincipalName>): string[] {
  const again = after.principals.filter(({ name }) => removed.has(name));
  const rules = [quoted(before.approvals ?? []), quoted(after.approvals ?? [])] as const;
  const all = [
    ...(rules[0] === rules[1] ? [] : [`what takes a second person: from now on ${rules[1]}`]),
    ...Array.from(differences(before.principals, after.principals), principalLine),
    ...again.map(({ name }) => `principal ${quoted(name)}: removed and added again, without the API tokens`),
    ...Array.from(differences(before.roles, after.roles), roleLine),
  ].map(line);
  let left = MAX_LINES;
  const tooMany = all.findIndex((one) => (left -= JSON.stringify(one).length) < 0);
  return tooMany === -1 ? all : [...all.slice(0, tooMany), `and ${all.length - tooMany} more`];
}
