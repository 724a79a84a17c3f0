import { realpath } from 'node:fs/promises';

/** What SQLite puts beside a database while it is open. */
const SQLITE_COMPANIONS: readonly string[] = ['', '-wal', '-shm', '-journal'];

/**
 * Says whether a file or folder is one that a store lies in, so that a store is neither imported into itself nor
 * overwritten by what is exported from it. Paths are absolute and without links.
 *
 * @param url the URL of an open store; without it nothing is its own
 */
export async function ownFiles(url: string | undefined): Promise<(path: string) => boolean> {
  const [, scheme, path] = /^(file|sqlite):(?:\/\/)?([^]+)$/.exec(url ?? '') ?? [];
  if (path === undefined) return () => false;
  const own = await realpath(path);
  if (scheme === 'file') return (candidate) => candidate === own || candidate.startsWith(`${own}/`);
  return (candidate) => SQLITE_COMPANIONS.some((suffix) => candidate === `${own}${suffix}`);
}
