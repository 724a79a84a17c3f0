import { parseLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { resolve } from 'node:path';

function refuse(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `${reason}; write sqlite:./vault.db or sqlite:/srv/vault.db`, {
    backend: 'sqlite',
  });
}

/**
 * The absolute path of the database file of `sqlite:./vault.db`, `sqlite:/srv/vault.db` or `sqlite:///srv/vault.db`.
 * Characters stand for themselves: nothing is percent-decoded, and `?` and `#` are part of the name.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no such file name.
 */
export function databasePath(location: string): string {
  const { scheme, rest } = parseLocation(location);
  if (scheme !== 'sqlite') refuse('the location is not one of sqlite:');
  if (rest === '' || rest.endsWith('/')) refuse('the location names no file');
  if (rest === ':memory:') refuse('sqlite: is for files, and memory: for stores that end with the process');
  if (rest.startsWith('//') && !rest.startsWith('///')) refuse('a sqlite: location has no host');
  return resolve(rest.startsWith('///') ? rest.slice(2) : rest);
}
