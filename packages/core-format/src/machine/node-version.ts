import { SecureStoreError } from '../errors/errors.ts';

/** The first Node with everything that the packages use: `crypto.argon2` came last. */
const NEEDED: readonly [major: number, minor: number] = [24, 7];

/**
 * Called as this package is loaded. All others import it, so that each of them says what it needs before it fails on what
 * an older Node lacks. What fails while modules are linked comes before that: syntax, built-in modules and names of theirs
 * that it does not know are no part of any package's imports.
 *
 * @param found such as `20.20.2`
 * @throws SecureStoreError `UNSUPPORTED` for an older Node than the packages need
 */
export function checkNodeVersion(found: string): void {
  const [major = 0, minor = 0] = found.split('.').map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return;
  const message = `securestore needs Node ${NEEDED.join('.')} or newer, got Node ${found}`;
  throw new SecureStoreError('UNSUPPORTED', message);
}
