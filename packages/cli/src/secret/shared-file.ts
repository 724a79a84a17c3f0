import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { shellPath } from '@securestore/core-format';
import type { Call } from '../call/call.ts';

const READ = 0o044;
const CHANGE = 0o022;
const OF_OTHERS = 0o007;

/** Where container runtimes put secrets, with modes of their own that nothing in the container could change. */
const CONTAINER_SECRETS = '/run/secrets/';

/** Files without secrets: a user who may change them decides whom we believe. */
const PUBLIC: ReadonlySet<string> = new Set(['invitation', 'authority', 'issuer']);

interface Owned {
  readonly uid: number;
  readonly mode: number;
}

/** The bits that let others at a file. The group of a file of root, or of a credential of systemd, is how this user comes to read it. */
async function bitsOfOthers(
  path: string,
  { uid, mode }: Owned,
  self: number,
  directory: string | undefined,
): Promise<number> {
  const credentials = directory === undefined ? undefined : await realpath(directory).catch(() => undefined);
  const isCredential = credentials !== undefined && path.startsWith(credentials + sep);
  return mode & (isCredential || (uid === 0 && self !== 0) ? OF_OTHERS : ~0);
}

/** Reads a file as its owner, and root, may; the user who runs this if they are neither. */
function ownerAdvice(what: string, path: string, self: number): string {
  return `${what} belongs to another user, who can read and change it. As root: chown ${self} ${shellPath(path)}`;
}

/**
 * Warns, once, of a file that other users may change, or if it holds a secret read, with the command that mends it. Nothing is said of what is
 * no file, such as a pipe, or if it can't be looked at: reading it says that.
 *
 * @param kind what the file is, such as `key`; an `invitation`, an `authority` and an `issuer` are no secrets, and only must not be changed
 */
export async function warnIfShared({ cli, out }: Pick<Call, 'cli' | 'out'>, path: string, kind: string): Promise<void> {
  const self = process.getuid?.();
  if (self === undefined) return;
  const found = await stat(path).catch(() => undefined);
  const real = await realpath(path).catch(() => undefined);
  if (found === undefined || real === undefined || !found.isFile() || real.startsWith(CONTAINER_SECRETS)) return;
  const what = `the ${kind} file "${path}"`;
  if (found.uid !== self && found.uid !== 0) return out.warning(ownerAdvice(what, path, self));
  const bits = await bitsOfOthers(real, found, self, cli.env['CREDENTIALS_DIRECTORY']);
  const [canRead, canChange] = [!PUBLIC.has(kind) && (bits & READ) !== 0, (bits & CHANGE) !== 0];
  if (!canRead && !canChange) return;
  const deed = [...(canRead ? ['read'] : []), ...(canChange ? ['change'] : [])].join(' and ');
  const command =
    found.uid === self ? `Make it yours alone: chmod 600 ${shellPath(path)}` : `As root: chmod o= ${shellPath(path)}`;
  out.warning(`other users may ${deed} ${what}. ${command}`);
}
