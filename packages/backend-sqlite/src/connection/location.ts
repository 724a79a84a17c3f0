import { locationError, parseLocation } from '@securestore/backend-api';
import { resolve } from 'node:path';

function refuse(problem: string, form = 'sqlite:./vault.db'): never {
  throw locationError('sqlite', problem, form);
}

/**
 * The absolute path of the database file of `sqlite:./vault.db`, `sqlite:/srv/vault.db` or `sqlite:///srv/vault.db`.
 * Characters stand for themselves: nothing is percent-decoded, and `?` and `#` are part of the name.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no such file name.
 */
export function databasePath(location: string): string {
  const { scheme, rest } = parseLocation(location);
  if (scheme !== 'sqlite') refuse('the location must begin with sqlite:');
  if (rest === '' || rest.endsWith('/')) refuse('the location must name a file');
  if (rest === ':memory:') refuse('the location must name a file, not :memory:', 'memory:');
  if (rest.startsWith('//') && !rest.startsWith('///')) refuse('the location must not name a host');
  return resolve(rest.startsWith('///') ? rest.slice(2) : rest);
}
