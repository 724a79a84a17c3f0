import { parseLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { resolve } from 'node:path';

function refuse(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `${reason}; write file:./vault or file:/srv/vault`, { backend: 'fs' });
}

/**
 * The absolute path of the folder of `file:./vault`, `file:/srv/vault` or `file:///srv/vault`. Characters stand for
 * themselves: nothing is percent-decoded.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no such folder name.
 */
export function folderOf(location: string): string {
  const { scheme, rest } = parseLocation(location);
  if (scheme !== 'file') refuse('the location is not one of file:');
  if (rest === '') refuse('the location names no folder');
  if (rest.startsWith('//') && !rest.startsWith('///')) refuse('a file: location has no host');
  return resolve(rest.startsWith('///') ? rest.slice(2) : rest);
}
