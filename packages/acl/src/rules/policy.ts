import type { Advice } from '@securestore/core-format';
import { compilePattern, SecureStoreError } from '@securestore/core-format';
import type { ActionPattern } from './actions.ts';
import { bitsOf, unknownAction } from './actions.ts';
import type { PrincipalName } from './identity.ts';
import { foldPrincipalName, parsePrincipalName } from './identity.ts';
import { checkBinding } from './rule-check.ts';
import type { ApprovalRule, Grant, Policy, Principal, Role, Rule } from './types.ts';

/** The bounds of a policy. */
export const POLICY_LIMITS = {
  roles: 1000,
  /** Of one role. */
  rules: 200,
  /** Actions, patterns or categories of one rule. */
  parts: 100,
  principals: 10_000,
  /** Of one principal. */
  grants: 100,
  /** Rules about what takes a second person. */
  approvals: 100,
} as const;

/** A policy in which no principal may do anything. */
export const EMPTY_POLICY: Policy = { roles: [], principals: [] };

type Fields = Readonly<Record<string, unknown>>;

function refuse(where: string, reason: string, advice: readonly Advice[] = []): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `access policy: ${where} ${reason}`, { advice });
}

/** The fields of an object, all of them known. */
function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(where, 'must be an object');
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) return refuse(where, `has the unknown field ${JSON.stringify(unknown)}`);
  return value as Fields;
}

function listOf<T>(value: unknown, where: string, limit: number, parse: (item: unknown, where: string) => T): T[] {
  if (!Array.isArray(value)) return refuse(where, 'must be a list');
  if (value.length > limit) return refuse(where, `must have at most ${limit} entries, got ${value.length}`);
  return value.map((item: unknown, index) => parse(item, `${where}[${index}]`));
}

/** A list that says nothing when it is absent, and is nonsense when it is empty. */
function partsOf<T>(value: unknown, where: string, parse: (item: unknown, where: string) => T): T[] {
  const parts = listOf(value, where, POLICY_LIMITS.parts, parse);
  return parts.length === 0 ? refuse(where, 'must not be empty: without it a rule means everything') : parts;
}

function timeOf(value: unknown, where: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  return refuse(where, 'must be a time in whole milliseconds since 1970');
}

function actionOf(value: unknown, where: string): ActionPattern {
  if (typeof value === 'string' && bitsOf(value) !== 0) return value as ActionPattern;
  return refuse(where, `is an ${unknownAction(value)}`, [{ id: 'list-actions' }]);
}

function patternOf(value: unknown, where: string): string {
  try {
    compilePattern(value);
    return value as string;
  } catch (cause) {
    if (SecureStoreError.is(cause)) return refuse(where, `must be a pattern of keys: ${cause.message}`);
    throw cause;
  }
}

function categoryOf(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= 256) return value;
  return refuse(where, 'must be the name of a category');
}

/** Which objects something is about. */
function scopeOf(keys: unknown, categories: unknown, where: string): Pick<Rule, 'keys' | 'categories'> {
  return {
    ...(keys === undefined ? {} : { keys: partsOf(keys, `${where}.keys`, patternOf) }),
    ...(categories === undefined ? {} : { categories: partsOf(categories, `${where}.categories`, categoryOf) }),
  };
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseRule(value: unknown, where = 'the rule'): Rule {
  const fields = fieldsOf(value, where, ['effect', 'actions', 'keys', 'categories', 'expires']);
  const { effect, actions, keys, categories, expires } = fields;
  if (effect !== 'allow' && effect !== 'deny') return refuse(`${where}.effect`, 'must be "allow" or "deny"');
  return {
    effect,
    actions: partsOf(actions, `${where}.actions`, actionOf),
    ...scopeOf(keys, categories, where),
    ...(expires === undefined ? {} : { expires: timeOf(expires, `${where}.expires`) }),
  };
}

function approvalOf(value: unknown, where: string): ApprovalRule {
  const { actions, keys, categories } = fieldsOf(value, where, ['actions', 'keys', 'categories']);
  const parsed = partsOf(actions, `${where}.actions`, actionOf);
  if (parsed.includes('approve'))
    return refuse(`${where}.actions`, 'must not have "approve", which takes no approval itself');
  return { actions: parsed, ...scopeOf(keys, categories, where) };
}

function identityOf(value: unknown, where: string): PrincipalName {
  let identity: PrincipalName;
  try {
    identity = parsePrincipalName(value);
  } catch (cause) {
    if (SecureStoreError.is(cause)) return refuse(where, `is invalid: ${cause.message}`);
    throw cause;
  }
  // What is stored is in the one form already; anything else was never written by us.
  return identity === value ? identity : refuse(where, 'must be trimmed and in Unicode form NFC');
}

function roleOf(value: unknown, where: string): Role {
  const { name, rules } = fieldsOf(value, where, ['name', 'rules']);
  return {
    name: identityOf(name, `${where}.name`),
    rules: listOf(rules, `${where}.rules`, POLICY_LIMITS.rules, parseRule),
  };
}

function grantOf(value: unknown, where: string): Grant {
  const { role, expires } = fieldsOf(value, where, ['role', 'expires']);
  const name = identityOf(role, `${where}.role`);
  return expires === undefined ? { role: name } : { role: name, expires: timeOf(expires, `${where}.expires`) };
}

function principalOf(value: unknown, where: string): Principal {
  const { name, kind, disabled, grants } = fieldsOf(value, where, ['name', 'kind', 'disabled', 'grants']);
  if (kind !== 'user' && kind !== 'service') return refuse(`${where}.kind`, 'must be "user" or "service"');
  if (typeof disabled !== 'boolean') return refuse(`${where}.disabled`, 'must be true or false');
  const parsed = listOf(grants, `${where}.grants`, POLICY_LIMITS.grants, grantOf);
  return { name: identityOf(name, `${where}.name`), kind, disabled, grants: parsed };
}

/** No two names of one fold: people could not tell them apart, and shall not have to. */
function checkNames(names: readonly PrincipalName[], where: string): void {
  const folds = new Map<string, PrincipalName>();
  for (const name of names) {
    const fold = foldPrincipalName(name);
    const other = folds.get(fold);
    if (other === name) refuse(where, `has ${JSON.stringify(name)} twice`);
    if (other !== undefined)
      refuse(where, `has ${JSON.stringify(other)} and ${JSON.stringify(name)}, which differ only by case or form`);
    folds.set(fold, name);
  }
}

/** As {@link parsePolicy}, also with rules that bind nothing: earlier releases have taken them. */
export function readPolicy(value: unknown): Policy {
  const { roles, principals, approvals } = fieldsOf(value, 'the document', ['roles', 'principals', 'approvals']);
  const policy: Policy = {
    roles: listOf(roles, 'roles', POLICY_LIMITS.roles, roleOf),
    principals: listOf(principals, 'principals', POLICY_LIMITS.principals, principalOf),
    ...(approvals === undefined
      ? {}
      : { approvals: listOf(approvals, 'approvals', POLICY_LIMITS.approvals, approvalOf) }),
  };
  checkNames(
    policy.roles.map(({ name }) => name),
    'roles',
  );
  checkNames(
    policy.principals.map(({ name }) => name),
    'principals',
  );
  const known = new Set(policy.roles.map(({ name }) => name));
  for (const [index, { grants }] of policy.principals.entries()) {
    const where = `principals[${index}].grants`;
    const missing = grants.find(({ role }) => !known.has(role));
    if (missing !== undefined) refuse(where, `names role ${JSON.stringify(missing.role)}, which does not exist`);
    if (new Set(grants.map(({ role }) => role)).size < grants.length) refuse(where, 'names a role twice');
  }
  return policy;
}

/**
 * Checks a policy as it comes out of a file.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` that names the place, for anything that is not exactly a policy, and for a rule
 *   with keys or categories whose actions are all about the whole store, so that it binds nothing
 */
export function parsePolicy(value: unknown): Policy {
  const policy = readPolicy(value);
  checkBinding(EMPTY_POLICY, policy);
  return policy;
}
