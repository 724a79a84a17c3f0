import { expect, test } from 'vitest';
import type { ApprovalRule, Policy, PolicyChange, Rule } from '../../src/index.ts';
import {
  Decider,
  EMPTY_POLICY,
  addPrincipal,
  changePolicy,
  disablePrincipal,
  grantRole,
  parsePrincipalName,
  removePrincipal,
  removeRole,
  revokeRole,
  setApprovals,
  setRole,
  templateRules,
} from '../../src/index.ts';

const read: Rule = { effect: 'allow', actions: ['read'] };
const begun = changePolicy(EMPTY_POLICY, [
  setRole('root', templateRules('administrator')),
  setRole('reader', [read]),
  addPrincipal('Alice', 'user'),
  addPrincipal('bob', 'service'),
  grantRole('Alice', 'root'),
  grantRole('bob', 'reader'),
]);
const mayRead = (policy: typeof begun, name: string, now = 0): boolean =>
  new Decider(policy).subject(parsePrincipalName(name)).decide({ action: 'read', key: 'a' }, now).allowed;

test('what is granted is allowed, and what is revoked is not', () => {
  expect(mayRead(begun, 'bob')).toBe(true);
  expect(mayRead(changePolicy(begun, [revokeRole('bob', 'reader')]), 'bob')).toBe(false);
  expect(mayRead(changePolicy(begun, [removeRole('reader')]), 'bob')).toBe(false);
  expect(mayRead(changePolicy(begun, [removePrincipal('bob')]), 'bob')).toBe(false);
  expect(mayRead(changePolicy(begun, [setRole('reader', [])]), 'bob')).toBe(false);
  const disabled = changePolicy(begun, [disablePrincipal('bob', true)]);
  expect(mayRead(disabled, 'bob')).toBe(false);
  expect(mayRead(changePolicy(disabled, [disablePrincipal('bob', false)]), 'bob')).toBe(true);
});

test('a grant can end by itself, and be granted anew', () => {
  const shortly = changePolicy(begun, [grantRole('bob', 'reader', 10)]);
  expect([mayRead(shortly, 'bob', 9), mayRead(shortly, 'bob', 10)]).toEqual([true, false]);
  expect(mayRead(changePolicy(shortly, [grantRole('bob', 'reader')]), 'bob', 10)).toBe(true);
});

test('names are found with other capitals, and none is added that differs by them alone', () => {
  expect(mayRead(changePolicy(begun, [revokeRole('BOB', 'Reader')]), 'bob')).toBe(false);
  expect(() => changePolicy(begun, [addPrincipal('ALICE', 'user')])).toThrow(/differ only by case or form/);
});

test.each<[PolicyChange, string]>([
  [removeRole('nothing'), 'NOT_FOUND'],
  [removePrincipal('nobody'), 'NOT_FOUND'],
  [grantRole('bob', 'nothing'), 'NOT_FOUND'],
  [grantRole('nobody', 'reader'), 'NOT_FOUND'],
  [revokeRole('bob', 'root'), 'NOT_FOUND'],
  [addPrincipal('bob', 'user'), 'INVALID_ARGUMENT'],
  [grantRole('bob', 'reader', -1), 'INVALID_ARGUMENT'],
  [setRole('r', [{ effect: 'allow', actions: [] }]), 'INVALID_ARGUMENT'],
  // Each of these would bind nothing.
  [setRole('r', templateRules('operator', ['db/**'])), 'INVALID_ARGUMENT'],
  [setRole('r', [{ effect: 'deny', actions: ['slots.*'], categories: ['pii'] }]), 'INVALID_ARGUMENT'],
  [setApprovals([{ actions: ['access.change', 'rotate'], keys: ['db/**'] }]), 'INVALID_ARGUMENT'],
  // Each of these would leave nobody who may change the policy.
  [revokeRole('Alice', 'root'), 'CONFLICT'],
  [grantRole('Alice', 'root', 10), 'CONFLICT'],
  [removePrincipal('Alice'), 'CONFLICT'],
  [disablePrincipal('Alice', true), 'CONFLICT'],
  [removeRole('root'), 'CONFLICT'],
  [setRole('root', [read]), 'CONFLICT'],
  [setRole('reader', [{ effect: 'deny', actions: ['*'] }]), 'none'],
])('a change that can not be is refused, and changes nothing: %#', (change, code) => {
  const before = structuredClone(begun);
  const made = (): unknown => changePolicy(begun, [setRole('more', [read]), change]);
  if (code === 'none') expect(made).not.toThrow();
  else expect(made).toThrow(expect.objectContaining({ code }));
  expect(begun).toEqual(before);
});

test('the last administrator can go once there is another one', () => {
  const two = changePolicy(begun, [grantRole('bob', 'root')]);
  expect(changePolicy(two, [removePrincipal('Alice')]).principals.map(({ name }) => name)).toEqual(['bob']);
});

test('what takes a second person stays through every other change, and can be taken back', () => {
  const approvals: ApprovalRule[] = [{ actions: ['purge'] }];
  const changed = changePolicy(begun, [
    setApprovals(approvals),
    setRole('reader', []),
    setRole('more', [read]),
    addPrincipal('carol', 'user'),
    grantRole('carol', 'more'),
    revokeRole('carol', 'more'),
    removeRole('more'),
    disablePrincipal('carol', true),
    removePrincipal('carol'),
  ]);
  expect(changed.approvals).toEqual(approvals);
  expect(changePolicy(changed, [setApprovals([])]).approvals).toEqual([]);
  expect(() => changePolicy(begun, [setApprovals([{ actions: ['approve'] }])])).toThrow(/takes no approval itself/);
});

test('rules that bind nothing and are there already are no reason to refuse other changes, and can be taken away one by one', () => {
  const odd: Rule = { effect: 'allow', actions: ['verify'], keys: ['db/**'] };
  const approvals: ApprovalRule[] = [
    { actions: ['rotate'], keys: ['db/**'] },
    { actions: ['jobs'], keys: ['db/**'] },
  ];
  const old: Policy = {
    ...begun,
    roles: [...begun.roles, { name: parsePrincipalName('odd'), rules: [odd] }],
    approvals,
  };
  expect(changePolicy(old, [grantRole('bob', 'odd')]).approvals).toEqual(approvals);
  expect(changePolicy(old, [setRole('odd', [read, odd])]).roles.at(-1)?.rules).toEqual([read, odd]);
  expect(changePolicy(old, [setApprovals(approvals.slice(1))]).approvals).toEqual(approvals.slice(1));
  expect(() => changePolicy(old, [setRole('another', [odd])])).toThrow(/rule 1 of the role "another" binds nothing/);
});
