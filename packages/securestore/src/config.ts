import { lstat, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isServed, OFFICIAL_BACKENDS, parseLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { resolveThresholds } from '@securestore/health';
import type { HealthConfig } from './health.ts';

/** Settings of an application, from `securestore.config.json`, `.js` or `.ts` beside its `package.json`. */
export interface StoreConfig {
  /**
   * The location that the command line uses where none is given. In the file, a relative path after `file:` or
   * `sqlite:` is relative to the folder of the file; {@link loadConfig} gives it as an absolute one.
   */
  readonly store?: string;
  /** The package that serves a scheme, by scheme. The schemes of the official backends, and `https`, can't be among them. */
  readonly backends?: Readonly<Record<string, string>>;
  /** From when on something is not as it should be, where a program that opens a store says nothing else. */
  readonly health?: Pick<HealthConfig, 'thresholds' | 'backups'>;
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

/** Somebody else's file, link or folder would choose what code runs with the store's secrets. */
async function checkOwner(file: string): Promise<void> {
  const self = process.getuid?.();
  if (self === undefined) return;
  const found = await Promise.all([lstat(file), stat(file), stat(dirname(file))]);
  if (found.every(({ uid }) => uid === self || uid === 0)) return;
  invalid(
    file,
    'it, or the folder that it lies in, belongs to another user, so it is not used; work in a folder of your own',
  );
}

async function load(file: string): Promise<unknown> {
  await checkOwner(file);
  if ((await stat(file)).size > MAX_BYTES) invalid(file, 'it is over 1 MiB');
  try {
    if (file.endsWith('.json')) return JSON.parse(await readFile(file, 'utf8')) as unknown;
    const exports: unknown = await import(pathToFileURL(file).href);
    return (exports as { default?: unknown }).default;
  } catch (error) {
    // The message of JSON.parse quotes the file, in which a credential may be.
    return file.endsWith('.json') ? invalid(file, 'not valid JSON') : invalid(file, 'it can not be imported', error);
  }
}

/** The same location for every working directory. */
function checkStore(file: string, store: unknown): string {
  // The type is checked there: a configuration may hold anything.
  const { scheme, rest } = parseLocation(store as string, `${file}: "store"`);
  const isPath = (scheme === 'file' || scheme === 'sqlite') && rest !== '' && rest !== ':memory:';
  return isPath && !isAbsolute(rest) ? `${scheme}:${join(dirname(file), rest)}` : (store as string);
}

function checkHealth(file: string, health: unknown): void {
  if (typeof health !== 'object' || health === null || Array.isArray(health)) {
    invalid(file, '"health" must be an object with thresholds, or backups');
  }
  const { thresholds, backups, ...rest } = health as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) invalid(file, `unknown setting "health.${unknown}". Known: backups, thresholds`);
  try {
    resolveThresholds(thresholds);
  } catch (error) {
    if (SecureStoreError.is(error)) invalid(file, error.message);
    throw error;
  }
  const isBackups =
    backups === undefined ||
    (typeof backups === 'object' && backups !== null && Object.values(backups).every((one) => typeof one === 'number'));
  if (!isBackups) invalid(file, '"health.backups" must be an object with numbers');
}

/** @throws SecureStoreError `INVALID_ARGUMENT` naming the file and the setting */
function check(file: string, config: unknown): StoreConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return invalid(file, 'it must be an object, or export one as its default');
  }
  const { store, backends, health, ...rest } = config as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) invalid(file, `unknown setting "${unknown}". Known: backends, health, store`);
  if (health !== undefined) checkHealth(file, health);
  const location = store === undefined ? {} : { store: checkStore(file, store) };
  const isMap =
    backends === undefined ||
    (typeof backends === 'object' &&
      backends !== null &&
      Object.values(backends).every((name) => typeof name === 'string'));
  if (!isMap) invalid(file, '"backends" must map schemes to names of packages');
  for (const scheme of Object.keys(backends ?? {})) {
    const own = OFFICIAL_BACKENDS.get(scheme) ?? (isServed(`${scheme}://x`) ? '@securestore/client' : undefined);
    if (own === undefined) continue;
    // Whoever writes the file would have all that the store holds go through a package of their choice.
    invalid(file, `"backends" must not name a package for ${scheme}:, which ${own} serves; choose another scheme`);
  }
  return { ...config, ...location };
}

/**
 * The path of the configuration in `folder`, which is neither read nor run; `undefined` if there is none.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there are two
 */
export async function findConfig(folder: string): Promise<string | undefined> {
  const [file, another] = await present(resolve(folder));
  if (file !== undefined && another !== undefined) invalid(file, `there is also ${another}; keep one`);
  return file;
}

/**
 * Reads the configuration in `folder`; what isn't there is empty.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where it is malformed, or where there are two
 */
export async function loadConfig(folder: string): Promise<StoreConfig> {
  const file = await findConfig(folder);
  return file === undefined ? {} : check(file, await load(file));
}
