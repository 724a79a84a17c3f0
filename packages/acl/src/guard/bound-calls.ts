import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, ChangedObject, SecureStorage } from '@securestore/objects';
import { newestMissing } from '@securestore/objects/internal';
import type { ObjectAction } from '../rules/actions.ts';
import type { ObjectPlans } from '../approval/object-plan.ts';
import { ofDeletion } from '../rules/refusals.ts';

/** What keeps a version from being made current again, whatever else there is. */
const REFUSED: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'INVALID_ARGUMENT',
  'INTEGRITY',
  'KEY_DESTROYED',
  'FORMAT_VERSION',
]);

/** Options of a call with conditions that take the place of its own. */
export function bindTo<O extends object | undefined>(options: O, conditions: object): O {
  return Object.keys(conditions).length === 0 ? options : { ...options, ...conditions };
}

/** @throws SecureStoreError `NOT_FOUND` if no version can be made current again */
function versionIn(planned: string, key: string): string {
  if (planned !== 'none' && planned !== 'damaged') return planned;
  throw new SecureStoreError('NOT_FOUND', 'no earlier version of the object is retained', { key });
}

/**
 * Refuses to undelete an object whose newest version is missing, as without an approval: the person who approved took the older version for
 * the newest.
 *
 * @throws SecureStoreError `INTEGRITY`
 */
async function refuseIfNewestLost(
  storage: SecureStorage,
  key: string,
  options: CallOptions | undefined,
): Promise<void> {
  const entries = await storage.history(key, options);
  const [newest] = entries;
  // A deletion would be the newest one.
  if (newest !== undefined && entries.every(({ current }) => !current)) throw newestMissing({ key }, newest.version);
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
  const version = versionIn(recovered, key);
  await refuseIfNewestLost(storage, key, options);
  return storage.restoreVersion<M>(key, version, bindTo(options, conditions));
}

/**
 * What it takes beside recovering to make a version current again: it expires as it did, and one that soon does deletes what it replaces.
 *
 * @param now milliseconds since 1970
 * @throws SecureStoreError what looking at the version throws, but for what the call itself refuses
 */
export async function ofRestored(
  storage: SecureStorage,
  key: string,
  { version, ifAbsent, signal }: CallOptions & { readonly version: string; readonly ifAbsent: boolean | undefined },
  now: number,
): Promise<readonly ObjectAction[]> {
  if (ifAbsent === true) return [];
  try {
    return ofDeletion(await storage.info(key, { version, ...(signal && { signal }) }), now);
  } catch (error) {
    // There is nothing that could be made current again.
    if (SecureStoreError.is(error) && REFUSED.has(error.code)) return [];
    throw error;
  }
}
