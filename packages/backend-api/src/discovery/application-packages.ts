import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SecureStoreError } from '@securestore/core-format';
import { isScheme } from '../contract/location.ts';
import { checkPackageOwner } from './package-owner.ts';

/** What a package says of itself under `securestore.backend` in its `package.json`. */
interface PluginDeclaration {
  readonly packageName: string;
  readonly schemes: readonly string[];
  /** As it stands there; checked when the plugin is used. */
  readonly contract: unknown;
  /** Whether its `package.json` is exported, as that of a plugin has to be. */
  readonly exported: boolean;
}

/** An installed package, before its code runs. */
export interface FoundPackage {
  readonly packageName: string;
  /** The path of the file that is run. */
  readonly entry: string;
  /** The path of the `package.json` of the folder that `entry` is in; `undefined` if it has none. */
  readonly manifest: string | undefined;
}

/** Decides whether the code of a package may run: it throws to refuse the package. */
export type ApprovePackage = (found: FoundPackage) => Promise<void>;

const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;
const MAX_MANIFEST_CHARACTERS = 1_048_576;
const DEPENDENCY_FIELDS = ['dependencies', 'optionalDependencies', 'devDependencies'] as const;

/** Whether `name` is that of an npm package: no path, no URL, no module of Node's own. */
export function isPackageName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= 214 && PACKAGE_NAME.test(name) && !isBuiltin(name);
}

/** The packages that an application can import, seen from the folder of its `package.json`. */
export interface ApplicationPackages {
  /** The path of the `package.json` whose dependencies they are. */
  readonly manifestPath: string;
  /** The backends among the direct dependencies; `node_modules` is never searched for others. */
  plugins(): Promise<PluginDeclaration[]>;
  /** Whether a package is installed; it is not loaded. */
  has(packageName: string): boolean;
  /**
   * An installed package, which is not loaded; `undefined` if it is not installed.
   *
   * @throws `UNAVAILABLE` if its entry point does not exist; `INVALID_ARGUMENT` if it belongs to another user
   */
  find(packageName: string): FoundPackage | undefined;
  /**
   * The exports of an installed package, or `undefined` if it is not installed.
   *
   * @throws `UNAVAILABLE` if it is installed but can't be loaded, also if its entry point does not exist; `INVALID_ARGUMENT` if it
   *   belongs to another user
   */
  load(packageName: string): Promise<object | undefined>;
}

/**
 * @param folder - that of the `package.json` of the application
 * @param approve - asked before the code of a package runs
 */
export function applicationPackages(folder: string, approve?: ApprovePackage): ApplicationPackages {
  const manifestPath = join(resolve(folder), 'package.json');
  const resolver = createRequire(manifestPath);
  return {
    manifestPath,
    plugins: async () => {
      const manifest = await readApplicationManifest(manifestPath);
      const found = directDependencies(manifest).map(async (name) => readDeclaration(resolver, name));
      return (await Promise.all(found)).filter((plugin) => plugin !== undefined);
    },
    has: (packageName) => isInstalled(resolver, packageName),
    find: (packageName) => findPackage(resolver, packageName),
    load: async (packageName) => {
      const found = findPackage(resolver, packageName);
      if (found === undefined) return undefined;
      await approve?.(found);
      return importFrom(packageName, async () => import(pathToFileURL(found.entry).href));
    },
  };
}

async function readApplicationManifest(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return {};
    throw new SecureStoreError('UNAVAILABLE', `cannot read ${path}, which names the backend plugins`, { cause: error });
  }
  const manifest = parseManifest(text);
  if (manifest !== undefined) return manifest;
  throw new SecureStoreError('INVALID_ARGUMENT', `${path} must be a JSON object`);
}

function directDependencies(manifest: unknown): string[] {
  const names = DEPENDENCY_FIELDS.flatMap((field) => {
    const dependencies = property(manifest, field);
    return typeof dependencies === 'object' && dependencies !== null ? Object.keys(dependencies) : [];
  });
  return [...new Set(names)].filter(isPackageName);
}

/** What a dependency declares; `undefined` if it declares nothing, or nothing valid. */
async function readDeclaration(resolver: NodeJS.Require, packageName: string): Promise<PluginDeclaration | undefined> {
  let text: string;
  let exported = true;
  try {
    text = await readFile(resolver.resolve(`${packageName}/package.json`), 'utf8');
  } catch (error) {
    // A package that does not export it can't be a plugin, but it may want to be one.
    const hidden = hasCode(error, 'ERR_PACKAGE_PATH_NOT_EXPORTED') ? manifestOf(resolver, packageName) : undefined;
    if (hidden === undefined) return undefined;
    text = await readFile(hidden, 'utf8').catch(() => '');
    exported = false;
  }
  const declaration = property(property(parseManifest(text), 'securestore'), 'backend');
  const schemes = property(declaration, 'schemes');
  if (!Array.isArray(schemes)) return undefined;
  return { packageName, schemes: schemes.filter(isScheme), contract: property(declaration, 'contract'), exported };
}

/** The `package.json` of an installed package, which it need not export. */
function manifestOf(resolver: NodeJS.Require, packageName: string): string | undefined {
  const folders = resolver.resolve.paths(packageName) ?? [];
  return folders.map((folder) => join(folder, packageName, 'package.json')).find((path) => existsSync(path));
}

/** The `package.json` of the very package that a file is of: nearer folders may have one without, whose code runs all the same. */
function manifestOfEntry(resolver: NodeJS.Require, packageName: string, entry: string): string | undefined {
  const folders = (resolver.resolve.paths(packageName) ?? []).map((folder) => join(folder, packageName));
  const real = realpathSync(entry);
  const holder = folders.find((folder) => existsSync(folder) && real.startsWith(realpathSync(folder) + sep));
  const manifest = holder === undefined ? undefined : join(holder, 'package.json');
  return manifest !== undefined && existsSync(manifest) ? manifest : undefined;
}

function isInstalled(resolver: NodeJS.Require, packageName: string): boolean {
  try {
    resolver.resolve(`${packageName}/package.json`);
    return true;
  } catch {
    return false;
  }
}

function findPackage(resolver: NodeJS.Require, packageName: string): FoundPackage | undefined {
  let path: string;
  try {
    path = resolver.resolve(packageName);
  } catch (error) {
    const isMissing = hasCode(error, 'MODULE_NOT_FOUND');
    if (isMissing && manifestOf(resolver, packageName) === undefined) return undefined;
    const problem = isMissing ? 'its entry point does not exist' : 'its package.json exports no "default" entry';
    throw loadError(packageName, problem, error);
  }
  checkPackageOwner(resolver, packageName, path);
  return { packageName, entry: path, manifest: manifestOfEntry(resolver, packageName, path) };
}

/**
 * The exports of a package.
 *
 * @throws `UNAVAILABLE` if its code fails, with what it threw as the `cause`
 */
export async function importFrom(packageName: string, load: () => Promise<unknown>): Promise<object> {
  try {
    const exports = await load();
    return typeof exports === 'object' && exports !== null ? exports : {};
  } catch (error) {
    throw loadError(packageName, 'its code failed', error);
  }
}

function loadError(packageName: string, problem: string, cause: unknown): SecureStoreError {
  const message = `cannot load the package ${packageName}: ${problem}`;
  return new SecureStoreError('UNAVAILABLE', message, { retryable: false, cause });
}

function parseManifest(text: string): object | undefined {
  if (text.length > MAX_MANIFEST_CHARACTERS) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** A field of the value's own, never one that it inherits. */
function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
