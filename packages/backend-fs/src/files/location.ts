import { storeUrlError, parseStoreUrl } from '@securestore/backend-api';
import { resolve } from 'node:path';

function refuse(problem: string): never {
  throw storeUrlError('fs', problem, 'file:./vault');
}

/**
 * The absolute path of the folder of `file:./vault`, `file:/srv/vault` or `file:///srv/vault`. Characters stand for
 * themselves: nothing is percent-decoded.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no such folder name.
 */
export function folderOf(url: string): string {
  const { scheme, rest } = parseStoreUrl(url);
  if (scheme !== 'file') refuse('the store URL must begin with file:');
  if (rest === '') refuse('the store URL must name a folder');
  if (rest.startsWith('//') && !rest.startsWith('///')) refuse('the store URL must not name a host');
  return resolve(rest.startsWith('///') ? rest.slice(2) : rest);
}
