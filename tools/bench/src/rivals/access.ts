import type { BenchPolicy } from '../raw/bench-policy.ts';
import { loadRival, rivalVersion } from './load.ts';

/** Another library that decides who may do what. */
export interface AccessRival {
  readonly name: string;
  check(principal: string, action: string, key: string): Promise<boolean> | boolean;
}

// Only what is compared first is cheap; the rest is casbin's own way of saying what our rules say.
const MODEL = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && g(r.sub, p.sub) && globMatch(r.obj, p.obj)
`;

interface Enforcer {
  addPolicies(rules: string[][]): Promise<boolean>;
  addGroupingPolicies(rules: string[][]): Promise<boolean>;
  enforce(...request: string[]): Promise<boolean>;
}

interface Casbin {
  newModelFromString(text: string): unknown;
  newEnforcer(model: unknown): Promise<Enforcer>;
  newCachedEnforcer(model: unknown): Promise<Enforcer>;
}

/** casbin with the same roles, rules and principals. */
export async function casbin({ rules, grants }: BenchPolicy, cached: boolean): Promise<AccessRival> {
  const library = await loadRival<Casbin>('casbin');
  const model = library.newModelFromString(MODEL);
  const enforcer = await (cached ? library.newCachedEnforcer(model) : library.newEnforcer(model));
  await enforcer.addPolicies(rules.map(({ role, pattern, action, effect }) => [role, pattern, action, effect]));
  await enforcer.addGroupingPolicies(grants.map(({ principal, role }) => [principal, role]));
  return {
    name: `casbin ${rivalVersion('casbin')}${cached ? ', cached' : ''}`,
    check: (principal, action, key) => enforcer.enforce(principal, key, action),
  };
}

interface Ability {
  can(action: string, subject: string): boolean;
}

/** CASL, which looks up a class and knows no paths: it is asked about the first segment. */
export async function casl({ rules, grants }: BenchPolicy): Promise<AccessRival> {
  const { createMongoAbility } = await loadRival<{ createMongoAbility: (rules: object[]) => Ability }>('@casl/ability');
  const abilities = new Map<string, Ability>();
  for (const { principal } of grants) {
    if (abilities.has(principal)) continue;
    const roles = new Set(grants.filter((grant) => grant.principal === principal).map(({ role }) => role));
    const held = rules.filter(({ role }) => roles.has(role));
    abilities.set(
      principal,
      createMongoAbility(
        held.map(({ pattern, action, effect }) => ({
          action,
          subject: pattern.split('/')[0],
          inverted: effect === 'deny',
        })),
      ),
    );
  }
  return {
    name: `CASL ${rivalVersion('@casl/ability')} (no paths)`,
    check: (principal, action, key) => abilities.get(principal)?.can(action, key.slice(0, key.indexOf('/'))) ?? false,
  };
}
