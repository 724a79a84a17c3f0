import type { AccessDocument } from './document.ts';
import type { ApprovalRule, Grant, Policy, Principal, Role } from '../rules/types.ts';

const textOf = (value: unknown): string => JSON.stringify(value);

const isDenying = ({ rules }: Role): boolean => rules.some(({ effect }) => effect === 'deny');

/** Whether all of `before` is there, whatever comes in addition. */
function keepsAll(before: readonly unknown[], after: readonly unknown[]): boolean {
  const left = new Set(after.map(textOf));
  return before.every((one) => left.has(textOf(one)));
}

function keepsGrant({ role, expires = Infinity }: Grant, after: readonly Grant[]): boolean {
  return after.some((other) => other.role === role && (other.expires ?? Infinity) >= expires);
}

function keepsPrincipal(before: Principal, after: Principal | undefined, denying: ReadonlySet<string>): boolean {
  if (after === undefined || (after.disabled && !before.disabled)) return false;
  if (!before.grants.every((grant) => keepsGrant(grant, after.grants))) return false;
  // One that was granted for longer denies for longer.
  return keepsAll(before.grants.filter(isOf(denying)), after.grants) && keepsNoMore(before, after, denying);
}

const isOf =
  (roles: ReadonlySet<string>) =>
  ({ role }: Grant): boolean =>
    roles.has(role);

function keepsNoMore(before: Principal, after: Principal, denying: ReadonlySet<string>): boolean {
  return keepsAll(after.grants.filter(isOf(denying)), before.grants);
}

function keepsRole(before: Role, after: Role | undefined): boolean {
  if (after === undefined || !keepsAll(before.rules, after.rules)) return false;
  const known = new Set(before.rules.map(textOf));
  return after.rules.every((rule) => rule.effect === 'allow' || known.has(textOf(rule)));
}

const approvalsOf = ({ approvals = [] }: Policy): readonly ApprovalRule[] => approvals;

function keepsPolicy(before: Policy, after: Policy): boolean {
  const roles = new Map(after.roles.map((role) => [role.name, role]));
  const principals = new Map(after.principals.map((principal) => [principal.name, principal]));
  const denying = new Set(after.roles.filter(isDenying).map(({ name }) => name));
  const knownRoles = new Set(before.roles.map(({ name }) => name));
  const known = new Set(before.principals.map(({ name }) => name));
  return (
    before.roles.every((role) => keepsRole(role, roles.get(role.name))) &&
    before.principals.every((one) => keepsPrincipal(one, principals.get(one.name), denying)) &&
    // Whoever vouches for a name may claim roles for it that the policy had not.
    after.roles.every((role) => knownRoles.has(role.name) || !isDenying(role)) &&
    after.principals.every(
      ({ name, disabled, grants }) => known.has(name) || !(disabled || grants.some(isOf(denying))),
    ) &&
    keepsAll(approvalsOf(after), approvalsOf(before))
  );
}

/** Whether a change takes access away from anybody, or may do so: only what is sure to do nothing but give is not said to. */
function takesAway(before: AccessDocument, after: AccessDocument): boolean {
  const denied = new Set(after.requests.filter(({ state }) => state === 'denied').map(({ id }) => id));
  return (
    !keepsAll(before.tokens, after.tokens) ||
    before.requests.some(({ id, state }) => state === 'approved' && denied.has(id)) ||
    !keepsPolicy(before.policy, after.policy)
  );
}

/**
 * When what the store is restored from has to have a change: at once if it may take access away, soon if it gives some. A new token, a
 * request and an approval that was used up wait for the next backup: requests end by themselves.
 */
export function whenToBring(before: AccessDocument, after: AccessDocument): 'now' | 'soon' | undefined {
  if (takesAway(before, after)) return 'now';
  return textOf(before.policy) === textOf(after.policy) ? undefined : 'soon';
}
