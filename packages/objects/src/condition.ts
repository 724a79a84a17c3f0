import type { ParsedVersion } from '@securestore/core-format';
import { parseVersion, SecureStoreError } from '@securestore/core-format';
import type { Current, LiveRecord } from './records.ts';
import { isVersion, liveIn, versionOf } from './records.ts';

/** A condition on what stands at a name now. */
export type Condition =
  | { readonly type: 'none' }
  | { readonly type: 'absent' }
  | { readonly type: 'damaged' }
  | { readonly type: 'version'; readonly version: ParsedVersion };

const NONE: Condition = { type: 'none' };

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseCondition(
  options: { ifAbsent?: unknown; ifVersion?: unknown; ifDamaged?: unknown } | undefined,
): Condition {
  if (options === undefined) return NONE;
  const { ifAbsent, ifVersion, ifDamaged } = options;
  for (const [name, value] of Object.entries({ ifAbsent, ifDamaged })) {
    if (value !== undefined && typeof value !== 'boolean') invalid(`the option "${name}" must be true or false`);
  }
  const given = Object.entries({ ifAbsent, ifVersion, ifDamaged }).filter(
    ([, value]) => value !== undefined && value !== false,
  );
  const [first, second] = given.map(([name]) => `"${name}"`);
  if (second !== undefined) invalid(`the options ${first} and ${second} exclude each other`);
  if (ifVersion !== undefined) return { type: 'version', version: parseVersion(ifVersion) };
  if (ifDamaged === true) return { type: 'damaged' };
  return ifAbsent === true ? { type: 'absent' } : NONE;
}

/**
 * @param now in milliseconds since 1970
 * @throws SecureStoreError `CONFLICT` with the version that stands in the way
 */
export function checkCondition(condition: Condition, current: Current, now: number): void {
  if (condition.type === 'none') return;
  const live = liveIn(current, now);
  if (condition.type === 'damaged') return checkDamaged(current, live);
  const currentVersion = live && versionOf(live.header);
  if (condition.type === 'absent') {
    if (live === undefined) return;
    throw new SecureStoreError('CONFLICT', 'the object exists already', { currentVersion });
  }
  if (live !== undefined && isVersion(live.header, condition.version)) return;
  throw new SecureStoreError(
    'CONFLICT',
    live === undefined ? 'the object does not exist' : 'the object has another version by now',
    { currentVersion },
  );
}

function checkDamaged(current: Current, live: LiveRecord | undefined): void {
  if (current !== undefined && current.opened === undefined) return;
  throw new SecureStoreError(
    'CONFLICT',
    live === undefined ? 'there is no record that is damaged' : 'the record is not damaged',
    { currentVersion: live && versionOf(live.header) },
  );
}
