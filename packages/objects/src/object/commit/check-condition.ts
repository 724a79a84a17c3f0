import { SecureStoreError } from '@securestore/core-format';
import type { Condition } from '../../api/write-condition.ts';
import type { Current, LiveRecord } from '../../record/open-record.ts';
import { isVersion, liveIn, versionOf } from '../../record/open-record.ts';

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
