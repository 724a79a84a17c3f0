import { constants } from 'node:fs';
import { lstat, open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileError, flushFolder, makeFolderDurably, systemCodeOf } from '@securestore/core-format';
import { type ByteSource, type Random, temporaryName, writeFileAtomically } from './atomic-file.ts';
import { enterFolder, type HeldFolder, holdFolder, inTheWay, isOwnFile } from './held-folder.ts';
import { openRegularFile, readBytes } from './regular-file.ts';

/** A folder below which files are written, and nowhere else; disposing it closes it. */
export interface TargetFolder extends AsyncDisposable {
  /** Whether names that differ only in case are one file there. */
  readonly caseInsensitive: boolean;
  /**
   * Finds the place of a file, making the folders to it.
   *
   * @throws `ALREADY_EXISTS` if a symbolic link, or something of another kind, is at a path.
   */
  readonly place: (name: string) => Promise<Place>;
}

/** The place of a file; its folder is held until it is disposed. */
export interface Place extends AsyncDisposable {
  /** The path by which the system reaches it, for as long as its folder is held. */
  readonly path: string;
  /** The length in bytes of the file that is there. */
  readonly size?: number;
  readonly write: (source: ByteSource) => Promise<void>;
  /** Keeps the existing file, and makes it readable by its owner alone. */
  readonly keep: () => Promise<void>;
}

/** What an export needs of its environment. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly random: Random;
  /** Whether something is a file of a store, which is never written to. */
  readonly isOwn: (path: string) => boolean;
}

const OTHERS = 0o077;

/** Opens `path` for an export, making it (mode 0700) if it is missing. */
export async function openTargetFolder(path: string, surroundings: Surroundings): Promise<TargetFolder> {
  const { platform, random, isOwn } = surroundings;
  const held = await holdRoot(path, platform);
  try {
    const root = await realpath(held.path);
    const caseInsensitive = await ignoresCase(held.path, path, random);
    const flushed = new Set<string>();
    await flushFound(held, path);
    return {
      caseInsensitive,
      place: async (name) => {
        if (isOwn(join(root, name))) throw isOwnFile(name);
        const folders = name.split('/');
        const last = folders.pop() ?? name;
        const folder = await folderBelow(held, folders, flushed);
        try {
          return await placeIn(folder, last, name, random);
        } catch (error) {
          await folder[Symbol.asyncDispose]();
          throw error;
        }
      },
      [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
    };
  } catch (error) {
    await held[Symbol.asyncDispose]();
    throw error;
  }
}

/** Finds the place of one file in a folder that is there. @throws as {@link TargetFolder.place} */
export async function openTargetFile(path: string, { platform, random, isOwn }: Surroundings): Promise<Place> {
  const folder = await holdAbove(path, platform);
  try {
    const name = basename(path);
    if (isOwn(join(await realpath(folder.path), name))) throw isOwnFile(path);
    await flushFound(folder, path);
    return await placeIn(folder, name, path, random);
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** Writes `bytes`, unless they are there already; whether they were. */
export async function writeUnlessThere(place: Place, bytes: Buffer, signal: AbortSignal): Promise<boolean> {
  if (place.size === bytes.length) {
    await using file = await openRegularFile(place.path, signal);
    if (bytes.equals(await readBytes(file, bytes.length))) {
      await place.keep();
      return true;
    }
  }
  await place.write(
    (async function* whole() {
      yield bytes;
    })(),
  );
  return false;
}

async function holdAbove(path: string, platform: NodeJS.Platform): Promise<HeldFolder> {
  try {
    return await holdFolder(await realpath(dirname(path)), platform);
  } catch (error) {
    throw fileError(error, `cannot write the file "${path}"`);
  }
}

async function holdRoot(path: string, platform: NodeJS.Platform): Promise<HeldFolder> {
  try {
    await makeFolderDurably(resolve(path));
    return await holdFolder(await realpath(path), platform);
  } catch (error) {
    throw fileError(error, `cannot create the folder "${path}"`);
  }
}

/**
 * An export that was killed may have left files and folders that are not durable yet, and that this one finds complete.
 *
 * @param shown what errors call the folder
 */
async function flushFound(folder: HeldFolder, shown: string): Promise<void> {
  try {
    await flushFolder(folder.path);
  } catch (error) {
    throw fileError(error, `cannot flush the folder "${shown}"`);
  }
}

/**
 * Goes down from `root` one folder at a time, since a path of several could lead through a link.
 *
 * @param flushed the folders that this export has made durable, with what it found in them
 */
async function folderBelow(root: HeldFolder, names: readonly string[], flushed: Set<string>): Promise<HeldFolder> {
  let folder: HeldFolder = { ...root, [Symbol.asyncDispose]: async () => {} };
  for (const [index, name] of names.entries()) {
    await using above = folder;
    const shown = names.slice(0, index + 1).join('/');
    folder = await enterFolder(above, name, shown);
    if (flushed.has(shown)) continue;
    await flushFound(above, shown);
    await flushFound(folder, shown);
    flushed.add(shown);
  }
  return folder;
}

async function placeIn(folder: HeldFolder, last: string, name: string, random: Random): Promise<Place> {
  const path = join(folder.path, last);
  const found = await regularFile(path, name);
  return {
    path,
    ...(found === undefined ? {} : { size: found.size }),
    write: (source) => writeFileAtomically(path, source, { shown: name, random }),
    keep: async () => {
      if (found !== undefined && (found.mode & OTHERS) !== 0) await makePrivate(path, name);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Not by `chmod`, which would follow a link that has taken the place of the file. */
async function makePrivate(path: string, name: string): Promise<void> {
  try {
    await using file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    await file.chmod(0o600);
  } catch (error) {
    throw fileError(error, `cannot make the file "${name}" private`);
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function regularFile(path: string, name: string): Promise<{ size: number; mode: number } | undefined> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) throw inTheWay(name, 'a symbolic link');
    if (found.isDirectory()) throw inTheWay(name, 'a folder');
    if (!found.isFile()) throw inTheWay(name, 'a device or pipe');
    return { size: found.size, mode: found.mode };
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw fileError(error, `cannot write the file "${name}"`);
  }
}

async function ignoresCase(root: string, shown: string, random: Random): Promise<boolean> {
  const name = temporaryName(random);
  const path = join(root, name);
  try {
    await (await open(path, 'wx', 0o600)).close();
    const same = await exists(join(root, name.toUpperCase()));
    await rm(path);
    return same;
  } catch (error) {
    throw fileError(error, `cannot write into the folder "${shown}"`);
  }
}
