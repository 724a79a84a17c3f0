import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ACTIONS, Decider, PermissionCache, parsePrincipalName, parsePolicy } from '../../src/index.ts';
import type { Action, ApprovalRule, Decision, Policy, Rule } from '../../src/index.ts';
import { mayDo, takesApproval } from '../support/reference.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const NOW = 1_000_000;

const segment = fc.constantFrom('a', 'b', 'ab', 'ä', 'a.b');
const someKey = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const pattern = fc
  .array(fc.constantFrom('a', 'b', '*', 'a*', '*b', '**', 'a.b'), { minLength: 1, maxLength: 4 })
  .filter((parts) => parts.every((part, index) => part !== '**' || parts[index + 1] !== '**'))
  .map((parts) => parts.join('/'));
const someAction = fc.constantFrom(...ACTIONS);
const category = fc.constantFrom('default', 'secret', 'other');
/** Around the times at which decisions are asked for. */
const expires = fc.integer({ min: NOW - 2, max: NOW + 3 });
const actions = fc.array(fc.oneof(someAction, fc.constantFrom('*', 'keys.*', 'access.*', 'members.*', 'audit.*')), {
  minLength: 1,
  maxLength: 4,
});
const scope = {
  actions,
  keys: fc.array(pattern, { minLength: 1, maxLength: 3 }),
  categories: fc.array(category, { minLength: 1, maxLength: 2 }),
};
const rule = fc.record(
  { effect: fc.constantFrom('allow', 'allow', 'deny'), ...scope, expires },
  { requiredKeys: ['effect', 'actions'] },
);
const approval = fc
  .record(scope, { requiredKeys: ['actions'] })
  .filter((one) => !one.actions.some((action) => action === 'approve'));
const roleNames = ['r0', 'r1', 'r2', 'r3'];
const principalNames = ['alice', 'bob', 'Straße'];
const policy = fc
  .record({
    rules: fc.array(fc.array(rule, { maxLength: 4 }), { minLength: 4, maxLength: 4 }),
    grants: fc.array(
      fc.uniqueArray(fc.record({ role: fc.constantFrom(...roleNames), expires }, { requiredKeys: ['role'] }), {
        selector: (grant) => grant.role,
        maxLength: 3,
      }),
      { minLength: 3, maxLength: 3 },
    ),
    disabled: fc.integer({ min: 0, max: 9 }),
    approvals: fc.array(approval as fc.Arbitrary<ApprovalRule>, { maxLength: 3 }),
  })
  .map(
    // Not parsed: a store may have rules that bind nothing, from earlier releases.
    ({ rules, grants, disabled, approvals }): Policy => ({
      approvals,
      roles: rules.map((list, index) => ({ name: parsePrincipalName(`r${index}`), rules: list as Rule[] })),
      principals: principalNames.map((name, index) => ({
        name: parsePrincipalName(name),
        kind: 'user',
        disabled: index === disabled,
        grants: (grants[index] ?? []).map((grant) => ({ ...grant, role: parsePrincipalName(grant.role) })),
      })),
    }),
  );
/** Names, and the known one that each may be taken for. */
const NAMES: readonly (readonly [string, string])[] = [
  ...principalNames.map((name) => [name, name] as const),
  ['ALICE', 'alice'],
  ['ａｌｉｃｅ', 'alice'],
  ['STRASSE', 'Straße'],
  ['carol', ''],
];
const who = fc
  .record({
    name: fc.constantFrom(...NAMES),
    claimed: fc.uniqueArray(fc.constantFrom(...roleNames, 'unknown'), { maxLength: 2 }),
  })
  .map(({ name: [name, looksLike], claimed }) => ({ name, looksLike, claimed }));
const attempt = fc.record({ action: someAction, key: fc.option(someKey, { nil: undefined }), category });

function policyOf(...list: Rule[]): Policy {
  return parsePolicy({
    roles: [{ name: 'role', rules: list }],
    principals: [{ name: 'alice', kind: 'user', disabled: false, grants: [{ role: 'role' }] }],
  });
}

/** A name's category, as a store would say it. */
const categoryOf = (name: string): string => (name.startsWith('a') ? 'secret' : 'other');

function ask(list: Rule[], action: Action, key?: string): Decision {
  return new Decider(policyOf(...list)).subject(parsePrincipalName('alice')).decide({ action, key }, NOW);
}

describe('a decision', () => {
  // 50 attempts of each policy, at four times each.
  // T-CALLER-01
  test('is what the policy says, read slowly', { timeout: 3_600_000 }, () => {
    fc.assert(
      fc.property(policy, who, fc.array(attempt, { minLength: 50, maxLength: 50 }), (roles, subject, attempts) => {
        const asked = new Decider(roles).subject(
          parsePrincipalName(subject.name),
          subject.claimed.map(parsePrincipalName),
        );
        const cached = new PermissionCache(asked, categoryOf);
        for (const { action: what, key: name } of attempts) {
          for (let now = NOW - 1; now < NOW + 3; now++) {
            const question = { action: what, key: name, category: name === undefined ? undefined : categoryOf(name) };
            const expected = mayDo(roles, subject, question, now);
            expect(asked.decide(question, now).allowed).toBe(expected);
            expect(cached.decide(question, now).allowed).toBe(expected);
            const special = expected && takesApproval(roles, question);
            expect(asked.decide(question, now).needsApproval).toBe(special);
            expect(cached.decide(question, now).needsApproval).toBe(special);
          }
        }
      }),
      { numRuns: sized({ short: 40, full: 100, torture: 5000 }) },
    );
  });

  test('is no, unless something allows it, and deny wins', () => {
    expect(ask([], 'read', 'a')).toMatchObject({ allowed: false, reason: 'no rule', since: NOW, until: Infinity });
    const allow: Rule = { effect: 'allow', actions: ['read'], keys: ['db/**'] };
    const deny: Rule = { effect: 'deny', actions: ['*'], keys: ['db/*/password'] };
    expect(ask([allow, deny], 'read', 'db/prod/user')).toMatchObject({
      allowed: true,
      rule: { role: 'role', index: 0 },
    });
    expect(ask([allow, deny], 'read', 'db/prod/password')).toMatchObject({ allowed: false, rule: { index: 1 } });
    expect(ask([allow], 'write', 'db/prod/user')).toMatchObject({ allowed: false, reason: 'no rule' });
  });

  test('about the whole store is not made by a rule about keys', () => {
    expect(ask([{ effect: 'allow', actions: ['*'], keys: ['**'] }], 'backup').allowed).toBe(false);
    expect(ask([{ effect: 'allow', actions: ['backup'] }], 'backup').allowed).toBe(true);
  });

  test('is remembered no longer than until something expires', () => {
    const list: Rule[] = [{ effect: 'allow', actions: ['read'], expires: NOW + 10 }];
    const cache = new PermissionCache(new Decider(policyOf(...list)).subject(parsePrincipalName('alice')), categoryOf);
    for (const now of [NOW, NOW + 9]) expect(cache.decide({ action: 'read', key: 'a' }, now).allowed).toBe(true);
    expect(cache.figures).toEqual({ hits: 1, misses: 1 });
    expect(cache.decide({ action: 'read', key: 'a' }, NOW + 10).allowed).toBe(false);
  });

  test('is remembered for a bounded number of keys', () => {
    const list: Rule[] = [{ effect: 'allow', actions: ['read'], keys: ['*1'] }];
    const cache = new PermissionCache(new Decider(policyOf(...list)).subject(parsePrincipalName('alice')), categoryOf);
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 20_000; index++) {
        const allowed = index % 10 === 1;
        expect(cache.decide({ action: 'read', key: String(index) }, NOW).allowed).toBe(allowed);
      }
    }
    expect(cache.figures).toEqual({ hits: 0, misses: 40_000 });
    for (let index = 19_000; index < 20_000; index++) cache.decide({ action: 'read', key: String(index) }, NOW);
    expect(cache.figures.hits).toBe(1000);
  });
});

describe('somebody whose name only looks like a known one', () => {
  const known = parsePolicy({
    roles: [
      { name: 'all', rules: [{ effect: 'allow', actions: ['*'] }] },
      { name: 'none', rules: [{ effect: 'deny', actions: ['*'] }] },
    ],
    principals: [{ name: 'alice', kind: 'user', disabled: false, grants: [{ role: 'none' }] }],
  });

  // T-CALLER-08
  test.each(['ALICE', 'Alice', 'ａlice', ' alice ', '\u00a0alice'])(
    '%j passes for nobody else, and evades no denial by it',
    (name) => {
      const subject = new Decider(known).subject(parsePrincipalName(name), [parsePrincipalName('all')]);
      expect(subject.decide({ action: 'read', key: 'a' }, NOW).allowed).toBe(false);
    },
  );

  test('a letter of another script makes another name, which nothing is granted to', () => {
    const subject = new Decider(known).subject(parsePrincipalName('\u0430lice'));
    expect(subject.decide({ action: 'read', key: 'a' }, NOW)).toMatchObject({ reason: 'unknown principal' });
  });
});
