import type { Advice } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { isAboutStoreAlone } from './actions.ts';
import type { ApprovalRule, Policy } from './types.ts';

interface PlacedRule {
  readonly rule: ApprovalRule;
  /** Where it is, for people: the first rule has the number 1. */
  readonly where: string;
  /** The same for the same rule of the same role, in whatever place. */
  readonly id: () => string;
}

function placed(rules: readonly ApprovalRule[], owner: readonly string[], what: string): PlacedRule[] {
  return rules.map((rule, index) => ({
    rule,
    where: `rule ${index + 1} of ${what}`,
    id: () => JSON.stringify([owner, rule]),
  }));
}

function placedRules({ roles, approvals = [] }: Policy): PlacedRule[] {
  return [
    ...roles.flatMap(({ name, rules }) => placed(rules, [name], `the role ${JSON.stringify(name)}`)),
    ...placed(approvals, [], 'the approvals'),
  ];
}

/** Refuses a rule that is faulty and new. What was there before stays, so that the policy around it can be changed. */
function refuseNew(
  before: Policy,
  after: Policy,
  faultOf: (rule: ApprovalRule) => string | undefined,
  advice: readonly Advice[] = [],
): void {
  const faulty = placedRules(after).filter(({ rule }) => faultOf(rule) !== undefined);
  if (faulty.length === 0) return;
  const known = new Set(placedRules(before).map(({ id }) => id()));
  const added = faulty.find(({ id }) => !known.has(id()));
  if (added === undefined) return;
  throw new SecureStoreError('INVALID_ARGUMENT', `access policy: ${added.where} ${faultOf(added.rule)}`, { advice });
}

/**
 * Sees that every new rule binds something: what concerns the whole store has no keys and no categories, so a rule that
 * names both says nothing, and a denial or an approval that is not one must not be taken for one.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function checkBinding(before: Policy, after: Policy): void {
  refuseNew(before, after, ({ actions, keys, categories }) => {
    if ((keys ?? categories) === undefined || !actions.every(isAboutStoreAlone)) return undefined;
    const are = actions.length === 1 ? 'is' : 'are';
    return `binds nothing: ${actions.join(', ')} ${are} about the whole store, which has no keys and no categories`;
  });
}

/** Sees that no new rule is about a category that there is not. @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkCategories(before: Policy, after: Policy, known: readonly string[]): void {
  const faultOf = ({ categories = [] }: ApprovalRule): string | undefined => {
    const unknown = categories.find((name) => !known.includes(name));
    return unknown === undefined ? undefined : `names category ${JSON.stringify(unknown)}, which does not exist`;
  };
  refuseNew(before, after, faultOf, [{ id: 'show-settings' }]);
}
