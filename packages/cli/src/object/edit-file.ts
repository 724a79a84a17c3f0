import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { access, open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, SecureStoreError } from '@securestore/core-format';
import type { Cli } from '../terminal/cli-context.ts';

/** What `statfs` of Linux says of file systems that keep everything in memory. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6]);

/** The longest text in bytes that can be edited. */
export const MAX_TEXT_BYTES: number = 1024 * 1024;

/** Whether a folder is in a file system in memory, and this user may write to it. */
async function isInMemory(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return IN_MEMORY.has((await statfs(folder)).type);
  } catch {
    return false;
  }
}

/** A folder in memory for files that must not reach a disk; `undefined` if there is none. */
export async function memoryFolder({ env, platform }: Pick<Cli, 'env' | 'platform'>): Promise<string | undefined> {
  // Elsewhere the numbers of file systems mean others, or nothing.
  if (platform !== 'linux') return undefined;
  for (const folder of ['/dev/shm', env['XDG_RUNTIME_DIR']]) {
    if (folder?.startsWith('/') === true && (await isInMemory(folder))) return folder;
  }
  return undefined;
}

/**
 * A file for an editor, in a folder of its own that only this user may enter. Disposing it overwrites and removes all that
 * is in the folder.
 */
export class EditFile implements Disposable {
  readonly folder: string;
  readonly path: string;

  /**
   * @param parent where the folder is made
   * @param ending what the name of the file ends with, such as `.json`: editors choose colours by it
   */
  constructor(parent: string, ending: string) {
    try {
      this.folder = mkdtempSync(join(parent, 'securestore-edit-'));
    } catch (error) {
      throw fileError(error, `cannot make a folder in "${parent}"`);
    }
    this.path = join(this.folder, `text${ending}`);
  }

  /** Writes the text that is edited. */
  write(text: Uint8Array): void {
    const file = openSync(this.path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      // Whatever the umask is, its owner must be able to edit it.
      fchmodSync(file, 0o600);
      writeFileSync(file, text);
    } finally {
      closeSync(file);
    }
  }

  /**
   * The text as it is now.
   *
   * @throws SecureStoreError `TOO_LARGE`; `INVALID_ARGUMENT` if the editor has removed the file, or it is no text
   */
  async read(): Promise<Buffer> {
    try {
      await using file = await open(this.path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
      const { size } = await file.stat();
      if (size > MAX_TEXT_BYTES) throw tooLong(size);
      return await file.readFile();
    } catch (error) {
      if (SecureStoreError.is(error)) throw error;
      throw fileError(error, 'cannot read the edited file');
    }
  }

  /** At once, since a signal may leave no time for more. @throws SecureStoreError if the folder could not be removed */
  [Symbol.dispose](): void {
    overwriteAll(this.folder);
    try {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      throw fileError(error, `cannot remove the folder "${this.folder}", which holds the edited text`);
    }
  }
}

/** @param size in bytes */
export function tooLong(size: number): SecureStoreError {
  return new SecureStoreError('TOO_LARGE', `a text to edit must have at most ${MAX_TEXT_BYTES} bytes, got ${size}`);
}

const CHUNK = new Uint8Array(64 * 1024);

/** Overwrites a regular file in its place. One with another name outside the folder is no copy of ours, and is left as it is. */
function overwrite(path: string): void {
  const file = openSync(path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() || stats.nlink !== 1) return;
    for (let at = 0; at < stats.size; at += CHUNK.length) {
      writeSync(file, CHUNK, 0, Math.min(CHUNK.length, stats.size - at), at);
    }
  } finally {
    closeSync(file);
  }
}

function overwriteAll(folder: string): void {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) overwriteAll(path);
    if (!entry.isFile()) continue;
    try {
      overwrite(path);
    } catch {
      // It is removed in any case.
    }
  }
}
