import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Policy, Rule } from '../../src/index.ts';
import {
  ACTIONS,
  EMPTY_POLICY,
  MAX_PRINCIPAL_NAME_BYTES,
  TEMPLATES,
  foldPrincipalName,
  parsePrincipalName,
  parsePolicy,
  parseRule,
  templateRules,
} from '../../src/index.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

const refused = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });

const alice = { name: 'alice', kind: 'user', disabled: false, grants: [{ role: 'reader' }] };
const read = { effect: 'allow', actions: ['read'] };
const reader = { name: 'reader', rules: [{ effect: 'allow', actions: ['read'], keys: ['db/**'], expires: 5 }] };

describe('a policy', () => {
  test('is what it was when it has been written down as JSON', () => {
    const policy = parsePolicy({ roles: [reader], principals: [alice] });
    expect(parsePolicy(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
    const approvals = [{ actions: ['purge', 'access.*'], keys: ['db/**'], categories: ['pii'] }, { actions: ['*'] }];
    expect(parsePolicy({ roles: [], principals: [], approvals })).toEqual({ ...EMPTY_POLICY, approvals });
    expect(parsePolicy({ roles: [], principals: [] })).toEqual(EMPTY_POLICY);
  });

  test.each<[unknown, RegExp]>([
    [null, /the document must be an object/],
    [{ roles: [], principals: [], more: 1 }, /the unknown field "more"/],
    [{ roles: {}, principals: [] }, /roles must be a list/],
    [{ roles: [reader, reader], principals: [] }, /roles has "reader" twice/],
    [
      { roles: [reader, { name: 'Reader', rules: [] }], principals: [] },
      /"reader" and "Reader", which differ only by case/,
    ],
    [{ roles: [{ name: 'e\u0301', rules: [] }], principals: [] }, /roles\[0\].name must be .* in Unicode form NFC/],
    [{ roles: [], principals: [alice] }, /names role "reader", which does not exist/],
    [{ roles: [reader], principals: [{ ...alice, kind: 'robot' }] }, /kind must be "user" or "service"/],
    [{ roles: [reader], principals: [{ ...alice, disabled: 0 }] }, /disabled must be true or false/],
    [{ roles: [reader], principals: [{ ...alice, grants: [{ role: 'reader', expires: 0.5 }] }] }, /must be a time/],
    [{ roles: [reader], principals: [{ ...alice, grants: [{ role: 'reader' }, { role: 'reader' }] }] }, /a role twice/],
    [{ roles: [], principals: [], approvals: {} }, /approvals must be a list/],
    [{ roles: [], principals: [], approvals: [{ actions: [] }] }, /approvals\[0\].actions must not be empty/],
    [
      { roles: [], principals: [], approvals: [{ actions: ['fly'] }] },
      /approvals\[0\].actions\[0\] is an unknown action "fly"/,
    ],
    [{ roles: [], principals: [], approvals: [{ actions: ['approve'] }] }, /takes no approval itself/],
    [{ roles: [], principals: [], approvals: [{ actions: ['read'], effect: 'allow' }] }, /the unknown field "effect"/],
    [{ roles: [], principals: [], approvals: [{ actions: ['read'], keys: ['a/../b'] }] }, /must be a pattern of keys/],
    [
      {
        roles: [{ name: 'odd', rules: [read, { effect: 'allow', actions: ['verify', 'keys.*'], keys: ['a'] }] }],
        principals: [],
      },
      /rule 2 of the role "odd" binds nothing: verify, keys\.\* are about the whole store/,
    ],
    [
      { roles: [], principals: [], approvals: [{ actions: ['access.change'], categories: ['pii'] }] },
      /rule 1 of the approvals binds nothing: access\.change is about the whole store/,
    ],
    [{ roles: [], principals: Array.from({ length: 10_001 }, () => alice) }, /at most 10000 entries, got 10001/],
  ])('is refused where it is none: %#', (value, message) => {
    expect(() => parsePolicy(value)).toThrow(refused(message));
  });

  test.each<[unknown, RegExp]>([
    [{ effect: 'maybe', actions: ['read'] }, /effect must be "allow" or "deny"/],
    [{ effect: 'allow', actions: [] }, /actions must not be empty/],
    [{ effect: 'allow', actions: ['read', 'fly'] }, /actions\[1\] is an unknown action "fly"$/],
    [{ effect: 'allow', actions: ['x'.repeat(65)] }, /actions\[0\] is an unknown action$/],
    [{ effect: 'allow', actions: ['toString'] }, /is an unknown action/],
    [{ effect: 'allow', actions: ['no.*'] }, /is an unknown action/],
    [{ effect: 'allow', actions: ['read'], keys: [] }, /keys must not be empty/],
    [{ effect: 'allow', actions: ['read'], keys: ['a/../b'] }, /keys\[0\] must be a pattern of keys/],
    [{ effect: 'allow', actions: ['read'], keys: ['a\0'] }, /must be a pattern of keys/],
    [{ effect: 'allow', actions: ['read'], categories: [''] }, /must be the name of a category/],
    [{ effect: 'allow', actions: ['read'], expires: -1 }, /must be a time/],
  ])('has no rule that is none: %#', (value, message) => {
    expect(() => parseRule(value)).toThrow(refused(message));
  });

  test.each<Rule>([
    { effect: 'allow', actions: ['*'], keys: ['a'] },
    { effect: 'allow', actions: ['approve'], categories: ['pii'] },
    { effect: 'deny', actions: ['access.change', 'purge'], keys: ['a'] },
    { effect: 'deny', actions: ['access.change'] },
  ])('has rules that bind something: %j', (rule) => {
    const policy = { roles: [{ name: 'role', rules: [rule] }], principals: [] };
    expect(parsePolicy(policy)).toEqual(policy);
  });

  test('of anything else is refused, and nothing but refused', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        let parsed: Policy | undefined;
        try {
          parsed = parsePolicy(value);
        } catch (error) {
          expect(error).toEqual(refused(/^access policy: /));
        }
        if (parsed !== undefined) expect(parsed).toEqual(value);
      }),
    );
  });
});

describe('a name', () => {
  test('has one form, and that form is its own', () => {
    expect(parsePrincipalName('  Zo\u0065\u0308 ')).toBe('Zo\u00eb');
    fc.assert(
      fc.property(fc.string({ unit: ANY_CHARACTER }), (name) => {
        let identity;
        try {
          identity = parsePrincipalName(name);
        } catch (error) {
          expect(error).toEqual(refused(/the name of a principal or role/));
          return;
        }
        expect(parsePrincipalName(identity)).toBe(identity);
        expect(Buffer.byteLength(identity)).toBeLessThanOrEqual(MAX_PRINCIPAL_NAME_BYTES);
        const fold = foldPrincipalName(identity);
        expect(foldPrincipalName(fold as typeof identity)).toBe(fold);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    7,
    undefined,
    '',
    '   ',
    'a\0b',
    'a\u200bb',
    'a\u202eb',
    'a\nb',
    'a\u00a0b',
    '\ud800',
    'a\u2028b',
    'x'.repeat(257),
  ])('that nobody could read is refused: %j', (name) => {
    expect(() => parsePrincipalName(name)).toThrow(refused(/the name of a principal or role/));
  });

  test.each([
    ['alice', 'ALICE'],
    ['stra\u00dfe', 'STRASSE'],
    ['\uff41lice', 'alice'],
    ['\ufb01n', 'FIN'],
    ['I\u0307', '\u0130'],
  ])('%j folds as %j does', (a, b) => {
    expect(foldPrincipalName(parsePrincipalName(a))).toBe(foldPrincipalName(parsePrincipalName(b)));
  });
});

test('templates are rules, and an administrator may do all', () => {
  for (const template of TEMPLATES) {
    for (const rule of templateRules(template, ['a/**'])) expect(parseRule(rule)).toEqual(rule);
  }
  expect(new Set(ACTIONS).size).toBe(ACTIONS.length);
  expect(templateRules('administrator')).toEqual([{ effect: 'allow', actions: ['*'] }]);
});
