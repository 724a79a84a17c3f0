import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, ChangedObject, SecureStorage } from '@securestore/objects';
import type { ObjectPlans } from './object-plan.ts';

/** Options of a call with conditions that take the place of its own. */
export function bindTo<O extends object>(options: O | undefined, conditions: object): O | undefined {
  return Object.keys(conditions).length === 0 ? options : ({ ...options, ...conditions } as O);
}

/** @throws SecureStoreError `NOT_FOUND` if no version can be made current again */
function versionIn(planned: string, key: string): string {
  if (planned !== 'none' && planned !== 'damaged') return planned;
  throw new SecureStoreError('NOT_FOUND', 'no earlier version of it is retained', { key });
}

/**
 * Undeletes an object: if that took an approval, the version that was approved, and only while nothing is there.
 *
 * @throws SecureStoreError `CONFLICT`, `NOT_FOUND`; as `undelete` of a store
 */
export async function undeleted<M extends object>(
  storage: SecureStorage,
  key: string,
  plans: ObjectPlans,
  options: CallOptions | undefined,
): Promise<ChangedObject<M>> {
  const { recovered } = plans;
  if (recovered === undefined) return storage.undelete<M>(key, options);
  const conditions = plans.conditions('undelete', undefined);
  if (conditions.ifAbsent !== true)
    throw new SecureStoreError('CONFLICT', 'the object is not deleted', {
      key,
      currentVersion: conditions.ifVersion,
    });
  return storage.restoreVersion<M>(key, versionIn(recovered, key), bindTo(options, conditions));
}
