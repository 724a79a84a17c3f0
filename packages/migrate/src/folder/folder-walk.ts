import type { Dirent } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, SecureStoreError } from '@securestore/core-format';
import { isTemporaryName } from './atomic-file.ts';
import { SIDECAR_SUFFIX } from './sidecar.ts';

/** A regular file, and whether by its name it is a sidecar or has one. */
export interface FoundRegularFile {
  readonly kind: 'file';
  readonly name: string;
  readonly path: string;
  /** The path of the file beside this one that has the name of its sidecar. */
  readonly sidecar?: string;
  /** Whether this has the name of the sidecar of a file beside it. */
  readonly isSidecarName: boolean;
}

/** A file below a folder; `name` is its path relative to the folder, with `/` between the parts. */
export type FoundFile =
  | FoundRegularFile
  | { readonly kind: 'skipped'; readonly name: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly name: string; readonly error: unknown };

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a file name, or undefined if it is not UTF-8. */
function decodeName(name: Buffer): string | undefined {
  try {
    return UTF_8.decode(name);
  } catch {
    return undefined;
  }
}

async function readFolder(path: string): Promise<Dirent<Buffer>[]> {
  const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' });
  return entries.toSorted((a, b) => Buffer.compare(a.name, b.name));
}

function unnameable(prefix: string, name: Buffer): FoundFile {
  const advice = [{ id: 'rename-file' }] as const;
  const error = new SecureStoreError('INVALID_KEY', 'the name of the file is not UTF-8, as keys are', { advice });
  return { kind: 'failed', name: `${prefix}${name.toString('utf8')}`, error };
}

/** Names as macOS and some archives write them. They are renamed by the person, since no key is ever normalised. */
function decomposed(kind: 'file' | 'folder', name: string, text: string): FoundFile {
  const effect = kind === 'file' ? '' : '. The files in it were not read.';
  const named = JSON.stringify(text.normalize('NFC'));
  const message = `the name of the ${kind} must be in Unicode normalisation form C: ${named}${effect}`;
  const advice = [{ id: 'rename-file', to: text.normalize('NFC') }] as const;
  const error = new SecureStoreError('INVALID_KEY', message, { advice });
  return { kind: 'failed', name, error };
}

function kindOf(entry: Dirent<Buffer>, name: string): 'file' | 'folder' | { readonly reason: string } {
  if (entry.isDirectory()) return 'folder';
  if (entry.isSymbolicLink()) return { reason: 'a symbolic link, which is not followed' };
  if (!entry.isFile()) return { reason: 'neither a file nor a folder' };
  return isTemporaryName(name) ? { reason: 'left over from an interrupted export' } : 'file';
}

function regularFile(folder: string, name: string, text: string, beside: ReadonlySet<string>): FoundRegularFile {
  const sidecar = `${text}${SIDECAR_SUFFIX}`;
  const isSidecarName = text.endsWith(SIDECAR_SUFFIX) && beside.has(text.slice(0, -SIDECAR_SUFFIX.length));
  const found = { kind: 'file', name, path: join(folder, text), isSidecarName } as const;
  return beside.has(sidecar) ? { ...found, sidecar: join(folder, sidecar) } : found;
}

/** The real path of a folder. @throws if it can't be read */
async function readableFolder(folder: string): Promise<string> {
  try {
    const path = await realpath(folder);
    await readFolder(path);
    return path;
  } catch (error) {
    throw fileError(error, `cannot read the folder "${folder}"`);
  }
}

/**
 * The files below `folder`, each folder's in the order of the bytes of their names, in memory bounded by the largest
 * folder. Symbolic links are never followed; what can't be read is reported and skipped, and so is what `isOwn`.
 *
 * @throws if `folder` itself can't be read.
 */
export async function* walkFolder(folder: string, isOwn: (path: string) => boolean): AsyncGenerator<FoundFile> {
  const root = await readableFolder(folder);
  if (isOwn(root)) throw new SecureStoreError('INVALID_ARGUMENT', `the folder "${folder}" is that of the store itself`);
  yield* walk(root, '', isOwn);
}

async function* walk(folder: string, prefix: string, isOwn: (path: string) => boolean): AsyncGenerator<FoundFile> {
  let entries: Dirent<Buffer>[];
  try {
    entries = await readFolder(folder);
  } catch (error) {
    yield { kind: 'failed', name: prefix.slice(0, -1), error: fileError(error, 'cannot read the folder') };
    return;
  }
  const files = new Set(entries.filter((entry) => entry.isFile()).map((entry) => entry.name.toString('utf8')));
  for (const entry of entries) {
    const text = decodeName(entry.name);
    if (text === undefined) {
      yield unnameable(prefix, entry.name);
      continue;
    }
    const name = `${prefix}${text}`;
    const path = join(folder, text);
    const kind = isOwn(path) ? { reason: 'the store itself' } : kindOf(entry, text);
    if (typeof kind === 'string' && text.normalize('NFC') !== text) yield decomposed(kind, name, text);
    else if (kind === 'folder') yield* walk(path, `${name}/`, isOwn);
    else if (kind === 'file') yield regularFile(folder, name, text, files);
    else yield { kind: 'skipped', name, reason: kind.reason };
  }
}
