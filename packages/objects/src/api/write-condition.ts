import type { ParsedVersion } from '@securestore/core-format';
import { parseVersion } from '@securestore/core-format';
import { shownValue } from '../util/shown-value.ts';
import { invalid } from '../util/invalid.ts';

/** A condition on the record that a name has now. */
export type Condition =
  | { readonly type: 'none' }
  | { readonly type: 'absent' }
  | { readonly type: 'damaged' }
  | { readonly type: 'version'; readonly version: ParsedVersion };

const NONE: Condition = { type: 'none' };

const CONDITIONS = ['ifAbsent', 'ifVersion', 'ifDamaged'] as const;

/**
 * A condition that is `undefined` was meant to be one: to pass over it would change what the caller wanted to keep.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function parseCondition(
  options: { ifAbsent?: unknown; ifVersion?: unknown; ifDamaged?: unknown } | undefined,
): Condition {
  if (options === undefined) return NONE;
  const given = CONDITIONS.filter((name) => name in options);
  if (given.length === 0) return NONE;
  for (const name of given) {
    const value = options[name];
    if (value === undefined) {
      invalid(`the option "${name}" must not be undefined: without it, the change has no condition`, name);
    }
    if (name !== 'ifVersion' && typeof value !== 'boolean') {
      invalid(`the option "${name}" must be true or false, got ${shownValue(value)}`, name);
    }
  }
  const [first, second] = given.filter((name) => options[name] !== false);
  if (second !== undefined) invalid(`the options "${first}" and "${second}" exclude each other`, second);
  const { ifAbsent, ifVersion, ifDamaged } = options;
  if (ifVersion !== undefined) return { type: 'version', version: parseVersion(ifVersion) };
  if (ifDamaged === true) return { type: 'damaged' };
  return ifAbsent === true ? { type: 'absent' } : NONE;
}
