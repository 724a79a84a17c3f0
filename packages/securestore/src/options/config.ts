import { lstat, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isServed, OFFICIAL_BACKENDS, parseStoreUrl } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { resolveThresholds } from '@securestore/health/lazy';
import type { HealthConfig } from './health.ts';

/** Settings of an application, from `securestore.config.json`, `.js` or `.ts` next to its `package.json`. */
export interface StoreConfig {
  /**
   * The store URL that the command line uses if none is given. In the file, a relative path after `file:` or `sqlite:` is relative to the folder
   * of the file; `loadConfig` returns an absolute path.
   */
  readonly store?: string;
  /** The package of a backend by its scheme. The schemes of the official backends, and `https`, are refused. */
  readonly backends?: Readonly<Record<string, string>>;
  /** Thresholds of the health checks, if the program that opens the store has no option `health`. */
  readonly health?: Pick<HealthConfig, 'thresholds' | 'backups'>;
}

/** The names of a configuration. */
export const CONFIG_NAMES = ['securestore.config.json', 'securestore.config.js', 'securestore.config.ts'] as const;
export const MAX_BYTES: number = 1024 * 1024;

function invalid(file: string, problem: string, cause?: unknown): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the configuration ${file} ${problem}`, { cause });
}

async function present(folder: string): Promise<string[]> {
  const files = CONFIG_NAMES.map((name) => join(folder, name));
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

/** The file, link or folder of another user would choose which code runs with the store's secrets. */
async function checkOwner(file: string): Promise<void> {
  const self = process.getuid?.();
  if (self === undefined) return;
  const found = await Promise.all([lstat(file), stat(file), stat(dirname(file))]);
  if (found.every(({ uid }) => uid === self || uid === 0)) return;
  invalid(file, 'cannot be used: it, or its folder, belongs to another user');
}

async function load(file: string): Promise<unknown> {
  await checkOwner(file);
  if ((await stat(file)).size > MAX_BYTES) invalid(file, 'must have at most 1 MiB');
  if (file.endsWith('.json')) return parseJson(file, await readFile(file, 'utf8'));
  try {
    const exports: unknown = await import(pathToFileURL(file).href);
    return (exports as { default?: unknown }).default;
  } catch (error) {
    return invalid(file, 'cannot be imported', error);
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT`, with the line, and nothing of the file, in which a credential may be */
function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The message quotes the file, and has the place if the text does not end too early.
    const [, position] = /at position (\d+)/.exec(error instanceof Error ? error.message : '') ?? [];
    const line = text.slice(0, position === undefined ? text.length : Number(position)).split('\n').length;
    return invalid(file, `is not valid JSON: line ${line}`);
  }
}

/** The same store URL for every working directory. */
function checkStore(file: string, store: unknown): string {
  // The type is checked there: a configuration may hold anything.
  const { scheme, rest } = parseStoreUrl(store as string, `"store" of the configuration ${file}`);
  const isPath = (scheme === 'file' || scheme === 'sqlite') && rest !== '' && rest !== ':memory:';
  return isPath && !isAbsolute(rest) ? `${scheme}:${join(dirname(file), rest)}` : (store as string);
}

function checkHealth(file: string, health: unknown): void {
  if (typeof health !== 'object' || health === null || Array.isArray(health)) {
    invalid(file, 'must have an object with "thresholds" or "backups" as "health"');
  }
  const { thresholds, backups, ...rest } = health as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) invalid(file, `has an unknown setting "health.${unknown}", known: backups, thresholds`);
  try {
    resolveThresholds(thresholds);
  } catch (error) {
    if (SecureStoreError.is(error)) invalid(file, `is invalid: ${error.message}`);
    throw error;
  }
  const isBackups =
    backups === undefined ||
    (typeof backups === 'object' && backups !== null && Object.values(backups).every((one) => typeof one === 'number'));
  if (!isBackups) invalid(file, 'must have an object with numbers as "health.backups"');
}

/** @throws SecureStoreError `INVALID_ARGUMENT` naming the file and the setting */
function check(file: string, config: unknown): StoreConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return invalid(file, 'must be an object, or export one as its default');
  }
  const { store, backends, health, ...rest } = config as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) invalid(file, `has an unknown setting "${unknown}", known: backends, health, store`);
  if (health !== undefined) checkHealth(file, health);
  const url = store === undefined ? {} : { store: checkStore(file, store) };
  const isMap =
    backends === undefined ||
    (typeof backends === 'object' &&
      backends !== null &&
      Object.values(backends).every((name) => typeof name === 'string'));
  if (!isMap) invalid(file, 'must map schemes to names of packages in "backends"');
  for (const scheme of Object.keys(backends ?? {})) {
    const own = OFFICIAL_BACKENDS.get(scheme) ?? (isServed(`${scheme}://x`) ? '@securestore/client' : undefined);
    if (own === undefined) continue;
    // The writer of the file would have all data of the store go through a package of their choice.
    invalid(file, `must not name a package for ${scheme}: in "backends", which ${own} serves`);
  }
  return { ...config, ...url };
}

/**
 * The path of the configuration in `folder`, which is neither read nor run; `undefined` if there is none.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there are two
 */
export async function findConfig(folder: string): Promise<string | undefined> {
  const [file, another] = await present(resolve(folder));
  if (file !== undefined && another !== undefined) invalid(file, `is not the only one: ${another} exists, too`);
  return file;
}

/**
 * Reads the configuration in `folder`; what isn't there is empty.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if it is malformed, or if there are two
 */
export async function loadConfig(folder: string): Promise<StoreConfig> {
  const file = await findConfig(folder);
  return file === undefined ? {} : check(file, await load(file));
}
