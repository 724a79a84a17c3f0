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

/**
 * A condition that is `undefined` was meant to be one: to pass over it would change what the caller wanted to keep.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function parseCondition(
  options: { ifAbsent?: unknown; ifVersion?: unknown; ifDamaged?: unknown } | undefined,
): Condition {
  if (options === undefined) return NONE;
  const { ifAbsent, ifVersion, ifDamaged } = options;
  for (const name of ['ifAbsent', 'ifVersion', 'ifDamaged'] as const) {
    if (name in options && options[name] === undefined) {
      invalid(`the option "${name}" must not be undefined: without it, the change has no condition`, name);
    }
  }
  for (const [name, value] of Object.entries({ ifAbsent, ifDamaged })) {
    if (value !== undefined && typeof value !== 'boolean') {
      invalid(`the option "${name}" must be true or false, got ${shownValue(value)}`, name);
    }
  }
  const given = Object.entries({ ifAbsent, ifVersion, ifDamaged }).filter(
    ([, value]) => value !== undefined && value !== false,
  );
  const [first = '', second] = given.map(([name]) => name);
  if (second !== undefined) invalid(`the options "${first}" and "${second}" exclude each other`, second);
  if (ifVersion !== undefined) return { type: 'version', version: parseVersion(ifVersion) };
  if (ifDamaged === true) return { type: 'damaged' };
  return ifAbsent === true ? { type: 'absent' } : NONE;
}
