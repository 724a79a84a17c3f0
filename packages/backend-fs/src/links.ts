import { SecureStoreError } from '@securestore/core-format';
import { lstatSync } from 'node:fs';

/**
 * What the store keeps for itself is opened, dated and removed by its path: a link there would have that done to anything
 * of whoever uses the store.
 *
 * @throws SecureStoreError `INTEGRITY` where a symbolic link is at `path`
 */
export function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw new SecureStoreError(
    'INTEGRITY',
    `${path} is a symbolic link, in the place of what the store keeps for itself; it is not followed, remove it`,
    { backend: 'fs' },
  );
}
