import { SecureStoreError } from '@securestore/core-format';
import { Decider } from './decide.ts';
import { foldPrincipalName, parsePrincipalName } from '../rules/identity.ts';
import type { PrincipalName } from '../rules/identity.ts';
import { readPolicy } from '../rules/policy.ts';
import { checkBinding } from '../rules/rule-check.ts';
import type { ApprovalRule, Grant, Policy, Principal, Role, Rule } from '../rules/types.ts';

/** One change of a policy. It is applied to whatever the policy is by then, so changes of several people add up. */
export type PolicyChange = (policy: Policy) => Policy;

function missing(what: string, name: string): never {
  throw new SecureStoreError('NOT_FOUND', `${what} ${JSON.stringify(name)} does not exist`);
}

/** The one that a name means, also if it is written with other capitals. */
function named<T extends { readonly name: PrincipalName }>(list: readonly T[], name: string, what: string): T {
  const fold = foldPrincipalName(parsePrincipalName(name));
  return list.find((item) => foldPrincipalName(item.name) === fold) ?? missing(what, name);
}

function replaced<T>(list: readonly T[], old: T, next: T): T[] {
  return list.map((item) => (item === old ? next : item));
}

/** Puts a role in the place of the one of its name, or adds it. */
export function setRole(name: string, rules: readonly Rule[]): PolicyChange {
  const role: Role = { name: parsePrincipalName(name), rules };
  return (policy) => {
    const { roles } = policy;
    const old = roles.find((other) => other.name === role.name);
    return { ...policy, roles: old === undefined ? [...roles, role] : replaced(roles, old, role) };
  };
}

/** Removes a role, and every grant of it. */
export function removeRole(name: string): PolicyChange {
  return (policy) => {
    const { roles, principals } = policy;
    const role = named(roles, name, 'role');
    return {
      ...policy,
      roles: roles.filter((other) => other !== role),
      principals: principals.map((principal) => ({
        ...principal,
        grants: principal.grants.filter((grant) => grant.role !== role.name),
      })),
    };
  };
}

/** Adds a principal, to whom nothing is granted yet. */
export function addPrincipal(name: string, kind: Principal['kind']): PolicyChange {
  const principal: Principal = { name: parsePrincipalName(name), kind, disabled: false, grants: [] };
  return (policy) => ({ ...policy, principals: [...policy.principals, principal] });
}

export function removePrincipal(name: string): PolicyChange {
  return (policy) => {
    const principal = named(policy.principals, name, 'principal');
    return { ...policy, principals: policy.principals.filter((other) => other !== principal) };
  };
}

function changePrincipal(name: string, change: (principal: Principal, policy: Policy) => Principal): PolicyChange {
  return (policy) => {
    const principal = named(policy.principals, name, 'principal');
    return { ...policy, principals: replaced(policy.principals, principal, change(principal, policy)) };
  };
}

/** A disabled principal may do nothing; the grants stay for the day when that ends. */
export function disablePrincipal(name: string, disabled: boolean): PolicyChange {
  return changePrincipal(name, (principal) => ({ ...principal, disabled }));
}

/** Grants a role, or grants it again until another time. @param expires in milliseconds since 1970; without it for ever */
export function grantRole(principal: string, role: string, expires?: number): PolicyChange {
  return changePrincipal(principal, (old, { roles }) => {
    const { name } = named(roles, role, 'role');
    const grant: Grant = expires === undefined ? { role: name } : { role: name, expires };
    return { ...old, grants: [...old.grants.filter((other) => other.role !== name), grant] };
  });
}

export function revokeRole(principal: string, role: string): PolicyChange {
  return changePrincipal(principal, (old, { roles }) => {
    const { name } = named(roles, role, 'role');
    const grants = old.grants.filter((other) => other.role !== name);
    return grants.length < old.grants.length ? { ...old, grants } : missing('grant of role', role);
  });
}

/** Says what takes a second person from now on, in the place of what was said before; an empty list for nothing. */
export function setApprovals(approvals: readonly ApprovalRule[]): PolicyChange {
  return (policy) => ({ ...policy, approvals });
}

/** Whether any principal may change the policy, for good. */
function hasAdministrator(policy: Policy): boolean {
  const decider = new Decider(policy);
  return policy.principals.some(
    ({ name }) => decider.subject(name).decide({ action: 'access.change' }, Number.MAX_SAFE_INTEGER).allowed,
  );
}

/** Whom changes remove, also those whose names somebody has again afterwards. */
export function removedBy(policy: Policy, changes: readonly PolicyChange[]): Set<PrincipalName> {
  const removed = new Set<PrincipalName>();
  let before = policy;
  for (const change of changes) {
    const after = change(before);
    const names = new Set(after.principals.map(({ name }) => name));
    for (const { name } of before.principals) if (!names.has(name)) removed.add(name);
    before = after;
  }
  return removed;
}

/**
 * Applies changes, all or none.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if that is no policy, or a rule that it brings binds nothing; `NOT_FOUND` for
 *   what there is not; `CONFLICT` if no principal could change it any more
 */
export function changePolicy(policy: Policy, changes: readonly PolicyChange[]): Policy {
  const next = readPolicy(changes.reduce((current, change) => change(current), policy));
  checkBinding(policy, next);
  if (hasAdministrator(policy) && !hasAdministrator(next)) {
    throw new SecureStoreError(
      'CONFLICT',
      'the change would leave no principal with a lasting grant of access.change. Nothing was changed.',
    );
  }
  return next;
}
