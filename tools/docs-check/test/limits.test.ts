import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MAX_PRINCIPAL_NAME_BYTES, POLICY_LIMITS } from '@securestore/acl';
import {
  MAX_CATEGORIES,
  MAX_CATEGORY_RULES,
  MAX_KEY_BYTES,
  MAX_MEMBER_NAME_BYTES,
  MAX_MEMBERS,
  MAX_METADATA_BYTES,
  MAX_PASSPHRASE_SLOTS,
  MAX_SLOTS,
} from '@securestore/core-format';
import { expect, it } from 'vitest';
import { MAX_TOKENS } from '../../../packages/acl/src/document/document.ts';

const guide: string = readFileSync(
  fileURLToPath(new URL('../../../docs/guides/operations.md', import.meta.url)),
  'utf8',
);

it.each([
  ['key of an object', [MAX_KEY_BYTES]],
  ['metadata of an object', [MAX_METADATA_BYTES / 1024]],
  ['slots', [MAX_SLOTS, MAX_PASSPHRASE_SLOTS]],
  ['categories, rules for them', [MAX_CATEGORIES, MAX_CATEGORY_RULES]],
  ['members', [MAX_MEMBERS, MAX_MEMBER_NAME_BYTES]],
  ['roles', [POLICY_LIMITS.roles, POLICY_LIMITS.rules, POLICY_LIMITS.parts]],
  ['principals', [POLICY_LIMITS.principals, POLICY_LIMITS.grants, MAX_PRINCIPAL_NAME_BYTES]],
  ['API tokens', [MAX_TOKENS]],
  ['rules about approvals', [POLICY_LIMITS.approvals]],
])('the limits of %s are told as they are', (what, limits) => {
  const row = guide.split('\n').find((line) => line.split('|')[1]?.trim() === what) ?? '';
  const told = row.match(/\d+(?:,\d{3})*/g) ?? [];
  expect(told.slice(0, limits.length)).toEqual(limits.map((limit) => limit.toLocaleString('en')));
});
