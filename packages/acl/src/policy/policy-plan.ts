import { SecureStoreError } from '@securestore/core-format';
import { digestOf, plain, planOf, POLICY_CHANGES } from '../approval/approval-plan.ts';
import type { PlanValue, StoredPlan } from '../approval/approval-plan.ts';
import type { PolicyChange } from './policy-changes.ts';
import { changePolicy, removedBy } from './policy-changes.ts';
import { policyDifferences } from './policy-differences.ts';
import type { Policy } from '../rules/types.ts';

/** How many of a list are new, others, and gone. */
function differences<T extends { readonly name: string }>(before: readonly T[], after: readonly T[]): string {
  const old = new Map(before.map((one) => [one.name, digestOf(plain(one) ?? null)]));
  const added = after.filter(({ name }) => !old.has(name)).length;
  const changed = after.filter((one) => old.has(one.name) && old.get(one.name) !== digestOf(plain(one) ?? null)).length;
  const removed = before.length + added - after.length;
  return `${added} added, ${changed} changed, ${removed} removed`;
}

const dataOf = (policy: Policy): PlanValue => plain(policy) ?? null;

/** What changes would make of a policy, and changes that make nothing else of it. @throws SecureStoreError as `changePolicy` */
export function planPolicy(
  policy: Policy,
  changes: readonly PolicyChange[],
): { readonly plan: StoredPlan; readonly changes: readonly PolicyChange[] } {
  const next = changePolicy(policy, changes);
  // Somebody who is removed on the way, and added again, loses their tokens: each step counts.
  const steps: string[] = [digestOf(dataOf(policy))];
  const walk = (found: Policy, change: PolicyChange): Policy => {
    const made = change(found);
    const digest = digestOf(dataOf(made));
    if (digest !== steps.at(-1)) steps.push(digest);
    return made;
  };
  changes.reduce(walk, policy);
  const [before = '', after = before] = [steps[0], steps.at(-1)];
  const rules = { before: policy.approvals?.length ?? 0, after: next.approvals?.length ?? 0 };
  const about = {
    roles: differences(policy.roles, next.roles),
    principals: differences(policy.principals, next.principals),
    ...(digestOf(plain(policy.approvals ?? []) ?? null) !== digestOf(plain(next.approvals ?? []) ?? null) && {
      approvals: `other rules about approvals: ${rules.after}, and ${rules.before} until now`,
    }),
    [POLICY_CHANGES]: policyDifferences(policy, next, removedBy(policy, changes)),
  };
  const is =
    (digest: string): PolicyChange =>
    (found) => {
      if (digestOf(dataOf(found)) === digest) return found;
      throw new SecureStoreError('CONFLICT', 'the policy is not the one that was approved. Nothing was changed.', {
        advice: [{ id: 'request-approval', action: 'access.change', call: 'access.change' }],
      });
    };
  // A policy that was changed meanwhile is not changed by what was approved of another one.
  return { plan: planOf({ call: 'access.change', about, bound: steps }), changes: [is(before), ...changes, is(after)] };
}
