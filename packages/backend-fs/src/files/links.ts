import { SecureStoreError } from '@securestore/core-format';
import { lstatSync } from 'node:fs';

/**
 * The own files of the store are opened, dated and removed by their path: a link there would do that to any file of the user of
 * the store.
 *
 * @throws SecureStoreError `INTEGRITY` if a symbolic link is at `path`
 */
export function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw new SecureStoreError(
    'INTEGRITY',
    `${path} is a symbolic link, which is not followed, in the place of a file of the store`,
    { backend: 'fs' },
  );
}
