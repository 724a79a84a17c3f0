import { storeUrlError, parseStoreUrl } from '@securestore/backend-api';
import { resolve } from 'node:path';

function refuse(problem: string, form = 'sqlite:./vault.db'): never {
  throw storeUrlError('sqlite', problem, form);
}

/**
 * The absolute path of the database file of `sqlite:./vault.db`, `sqlite:/srv/vault.db` or `sqlite:///srv/vault.db`.
 * Characters stand for themselves: nothing is percent-decoded, and `?` and `#` are part of the name.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no such file name.
 */
export function databasePath(url: string): string {
  const { scheme, rest } = parseStoreUrl(url);
  if (scheme !== 'sqlite') refuse('the store URL must begin with sqlite:');
  if (rest === '' || rest.endsWith('/')) refuse('the store URL must name a file');
  if (rest === ':memory:') refuse('the store URL must name a file, not :memory:', 'memory:');
  if (rest.startsWith('//') && !rest.startsWith('///')) refuse('the store URL must not name a host');
  return resolve(rest.startsWith('///') ? rest.slice(2) : rest);
}
