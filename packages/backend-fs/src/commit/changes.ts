import { type WriteResult, conflictError } from '@securestore/backend-api';
import {
  constants,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { errnoOf } from '../files/errors.ts';
import { etagOf } from '../files/etag.ts';
import type { Growth } from './growth.ts';
import { filePath } from '../files/names.ts';
import { setTime } from '../files/store-clock.ts';

/** One thing to do to the store, prepared so that only quick steps are left. */
export type Change =
  | {
      readonly type: 'write';
      readonly key: string;
      /** A durable file that holds the body. */
      readonly temp: string;
      readonly etag: string;
      readonly ifAbsent?: boolean | undefined;
      readonly ifMatch?: string | undefined;
    }
  | { readonly type: 'delete'; readonly key: string; readonly ifMatch?: string | undefined };

/** Folders whose entries changed, by path below the root with a closing slash. */
export interface Touched {
  /** To be made durable before the changes are acknowledged. */
  readonly changed: Set<string>;
  /** Holders of new folders, to be made durable before another process may see those. */
  readonly grown: Growth;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/', path.length - 2) + 1);
}

function currentEtag(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return etagOf(readFileSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

function holds(change: Change, path: string): boolean {
  if (change.ifMatch !== undefined) return currentEtag(path) === change.ifMatch;
  if (change.type === 'write' && change.ifAbsent === true)
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  return true;
}

/** Makes the folder at `path` below `root`, but never the root itself. */
function makeFolders(root: string, path: string, touched: Touched): void {
  touched.grown.note(parentOf(path));
  try {
    mkdirSync(root + path, { mode: 0o700 });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return;
    if (errno !== 'ENOENT' || path === '') throw error;
    makeFolders(root, parentOf(path), touched);
    mkdirSync(root + path, { mode: 0o700 });
  }
}

function place(
  root: string,
  change: Change & { type: 'write' },
  path: string,
  touched: Touched,
  time: number,
): WriteResult {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  setTime(change.temp, time);
  try {
    renameSync(change.temp, root + path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || folder === '') throw error;
    makeFolders(root, folder, touched);
    renameSync(change.temp, root + path);
  }
  touched.changed.add(folder);
  return { etag: change.etag, modified: time };
}

/** Removes the file, and the folders that it leaves empty. */
function remove(root: string, path: string, touched: Touched): void {
  try {
    unlinkSync(root + path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  let folder = path.slice(0, path.lastIndexOf('/') + 1);
  for (; folder !== ''; folder = parentOf(folder)) {
    try {
      rmdirSync(root + folder);
    } catch {
      break; // It is not empty, or can't be removed, which does no harm.
    }
    touched.changed.delete(folder);
  }
  touched.changed.add(folder);
}

/**
 * Does `change` and notes the folders it touched. The caller holds the store's lock, so that nothing comes between a
 * condition and its change, or between making a folder and filling it.
 *
 * @param root - The path of the store with a closing slash.
 * @param time - What a written file is marked with, in milliseconds.
 * @throws SecureStoreError `CONFLICT` on a failed condition; errors of `node:fs`; then nothing was changed.
 */
export function applyChange(root: string, change: Change, touched: Touched, time: number): WriteResult | undefined {
  const path = filePath(change.key);
  if (!holds(change, root + path)) throw conflictError({ backend: 'fs', operation: change.type, key: change.key });
  if (change.type === 'write') return place(root, change, path, touched, time);
  remove(root, path, touched);
  return undefined;
}
