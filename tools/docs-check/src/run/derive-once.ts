import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/**
 * Loaded by a Node that runs `securestore`, so that processes with the same folder in the environment variable `ARGON2_ONCE`
 * derive each key from its passphrase once.
 */
export const ARGON2_ONCE: string = fileURLToPath(new URL('argon2-once.cjs', import.meta.url));

/**
 * Has this process derive each key from its passphrase once, for as long as it lives.
 *
 * @returns the folder with the keys, for processes that it starts
 */
export function deriveOnce(): string {
  const { ARGON2_ONCE: given } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'securestore-derived-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.env['ARGON2_ONCE'] = folder;
  createRequire(import.meta.url)(ARGON2_ONCE);
  if (given === undefined) delete process.env['ARGON2_ONCE'];
  else process.env['ARGON2_ONCE'] = given;
  return folder;
}
