import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what servers need is kept from run to run, outside the checkout. */
export function cacheFolder(...names: readonly string[]): string {
  const root = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(root, 'securestore-services', ...names);
}
