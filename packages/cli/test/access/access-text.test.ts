import { expect, it } from 'vitest';
import { principalText } from '../../src/access/access-text.ts';

it.each([
  ['[owner]', 'owner'],
  ['owner', '"owner"'],
  ['Owner', '"Owner"'],
  ['corp:owner', 'corp:owner'],
  ['ann', 'ann'],
])('the principal %s is shown as %s', (principal, shown) => expect(principalText(principal)).toBe(shown));
