import type { ParsedVersion } from '@securestore/core-format';
import { parseVersion, SecureStoreError } from '@securestore/core-format';
import type { Current } from './records.ts';
import { isVersion, liveIn, versionOf } from './records.ts';

/** A condition on what stands at a name now. */
export type Condition =
  | { readonly type: 'none' }
  | { readonly type: 'absent' }
  | { readonly type: 'version'; readonly version: ParsedVersion };

const NONE: Condition = { type: 'none' };

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseCondition(options: { ifAbsent?: unknown; ifVersion?: unknown } | undefined): Condition {
  if (options === undefined) return NONE;
  const { ifAbsent, ifVersion } = options;
  if (ifAbsent !== undefined && typeof ifAbsent !== 'boolean') invalid('the option "ifAbsent" must be true or false');
  if (ifVersion !== undefined && ifAbsent === true)
    invalid('the options "ifAbsent" and "ifVersion" exclude each other');
  if (ifVersion !== undefined) return { type: 'version', version: parseVersion(ifVersion) };
  return ifAbsent === true ? { type: 'absent' } : NONE;
}

/**
 * @param now in milliseconds since 1970
 * @throws SecureStoreError `CONFLICT` with the version that stands in the way
 */
export function checkCondition(condition: Condition, current: Current, now: number): void {
  if (condition.type === 'none') return;
  const live = liveIn(current, now);
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
