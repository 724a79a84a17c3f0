import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SecureStoreError } from '@securestore/core-format';

/** Settings of an application, from `securestore.config.json`, `.js` or `.ts` beside its `package.json`. */
export interface StoreConfig {
  /** The location that the command line uses where none is given. */
  readonly store?: string;
  /** The package that serves a scheme, by scheme; before the official ones. */
  readonly backends?: Readonly<Record<string, string>>;
}

const NAMES = ['securestore.config.json', 'securestore.config.js', 'securestore.config.ts'] as const;
const MAX_BYTES = 1024 * 1024;

function invalid(file: string, problem: string, cause?: unknown): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `${file}: ${problem}`, { cause });
}

async function present(folder: string): Promise<string[]> {
  const files = NAMES.map((name) => join(folder, name));
  const found = await Promise.all(
    files.map(async (file) => {
      try {
        return (await stat(file)).isFile();
      } catch {
        return false;
      }
    }),
  );
  return files.filter((_, index) => found[index]);
}

/** In a folder that everybody may write to, somebody else's file would choose what code runs with the store's secrets. */
async function checkOwner(file: string): Promise<void> {
  const self = process.getuid?.();
  if (self === undefined) return;
  const [{ uid }, { mode }] = await Promise.all([stat(file), stat(dirname(file))]);
  const foreign = uid !== self && uid !== 0;
  if (foreign && (mode & WRITABLE_BY_OTHERS) !== 0) {
    invalid(file, 'it belongs to another user and lies in a folder that everybody may write to, so it is not used');
  }
}

const WRITABLE_BY_OTHERS = 0o002;

async function load(file: string): Promise<unknown> {
  await checkOwner(file);
  if ((await stat(file)).size > MAX_BYTES) invalid(file, 'it is over 1 MiB');
  try {
    if (file.endsWith('.json')) return JSON.parse(await readFile(file, 'utf8')) as unknown;
    const exports: unknown = await import(pathToFileURL(file).href);
    return (exports as { default?: unknown }).default;
  } catch (error) {
    // The message of JSON.parse quotes the file, in which a credential may be.
    return file.endsWith('.json') ? invalid(file, 'it is no JSON') : invalid(file, 'it can not be imported', error);
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT` naming the file and the setting */
function check(file: string, config: unknown): StoreConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return invalid(file, 'it must be an object, or export one as its default');
  }
  const { store, backends, ...rest } = config as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) invalid(file, `unknown setting "${unknown}". Known: backends, store`);
  if (store !== undefined && typeof store !== 'string')
    invalid(file, '"store" must be a location, such as "sqlite:./vault.db"');
  const isMap =
    backends === undefined ||
    (typeof backends === 'object' &&
      backends !== null &&
      Object.values(backends).every((name) => typeof name === 'string'));
  if (!isMap) invalid(file, '"backends" must map schemes to names of packages');
  return config;
}

/**
 * Reads the configuration in `folder`; what isn't there is empty.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where it is malformed, or where there are two
 */
export async function loadConfig(folder: string): Promise<StoreConfig> {
  const [file, another] = await present(resolve(folder));
  if (file === undefined) return {};
  if (another !== undefined) invalid(file, `there is also ${another}; keep one`);
  return check(file, await load(file));
}
