import { SecureStoreError } from '@securestore/core-format';

/** The latest time that a `Date` holds. */
const MAX_DATE = 8_640_000_000_000_000;

/**
 * The option `expires` of an object that lives for some milliseconds from now on: no option for `undefined`, `null` and
 * for more than a `Date` can hold. An object that lives for no time has expired already: {@link storeAll} deletes it.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for anything but a number
 */
export function expiresAfter(milliseconds: unknown): { expires?: Date } {
  if (milliseconds === undefined || milliseconds === null) return {};
  if (typeof milliseconds !== 'number' || Number.isNaN(milliseconds)) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'a time to live must be a number of milliseconds');
  }
  const expires = Math.ceil(Date.now() + milliseconds);
  return expires > MAX_DATE ? {} : { expires: new Date(Math.max(0, expires)) };
}
