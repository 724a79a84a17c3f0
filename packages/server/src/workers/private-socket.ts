import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { once } from 'node:events';
import { SecureStoreError } from '@securestore/core-format';

/** The longest path of a socket that every system takes, in bytes. */
const MAX_PATH = 100;
const NAME = 'server.sock';

/** A path for a socket that only this user can connect to, in a new folder. */
async function newPath(): Promise<string> {
  if (process.platform === 'win32') return `\\\\.\\pipe\\securestore-${randomBytes(32).toString('hex')}`;
  const inTemp = join(tmpdir(), 'securestore-XXXXXX', NAME);
  const base = Buffer.byteLength(inTemp) > MAX_PATH ? '/tmp' : tmpdir();
  const folder = await mkdtemp(join(base, 'securestore-'));
  await chmod(folder, 0o700);
  return join(folder, NAME);
}

/**
 * Has a server listen on a socket that only processes of this user reach.
 *
 * @returns the path of the socket
 * @throws SecureStoreError `UNAVAILABLE` if no folder can be made for it
 */
export async function listenPrivately(server: Server): Promise<string> {
  try {
    const path = await newPath();
    server.listen(path);
    await once(server, 'listening');
    return path;
  } catch (cause) {
    const { code = 'unknown reason' } = cause as { readonly code?: string };
    throw new SecureStoreError('UNAVAILABLE', `cannot make a socket for the workers in ${tmpdir()}: ${code}`, {
      retryable: false,
      option: 'workers',
      cause,
    });
  }
}

/** Removes the socket and its folder, also if its process was killed. */
export async function removePrivateSocket(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await rm(dirname(path), { recursive: true, force: true }).catch(() => undefined);
}
