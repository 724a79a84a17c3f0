import { existsSync } from 'node:fs';
import { SecureStoreError } from '@securestore/core-format';
import type { BackendDefinition, StorageBackend } from '../contract/contract.ts';
import { checkContract, checkDefinition } from '../contract/define.ts';
import { parseStoreUrl } from '../contract/location.ts';
import {
  type ApplicationPackages,
  applicationPackages,
  type ApprovePackage,
  type FoundPackage,
  importFrom,
  isPackageName,
} from './application-packages.ts';
import { OFFICIAL_BACKENDS } from './official-backends.ts';
import { similarTo } from './similar.ts';

export interface ResolveOptions {
  /** Used as it is, whatever the scheme: for a backend of one's own, and for bundlers that hide packages. */
  readonly backend?: StorageBackend | undefined;
  /** The package to use for a scheme, before any other. */
  readonly backends?: Readonly<Record<string, string>> | undefined;
  /** The folder of the application's `package.json`; by default the working directory. */
  readonly resolveFrom?: string | undefined;
  /**
   * A folder from which the project's own packages are taken that the application does not have: the caller's, so that
   * a command line that is installed for all folders finds what was installed beside it.
   */
  readonly besides?: string | undefined;
  /**
   * Folders from which the project's own packages are taken before those of the application: for a command line that works in folders of others,
   * those in which it is installed itself.
   */
  readonly before?: readonly string[] | undefined;
  /** Asked before the code of a package of the application runs; what it throws refuses the package. Default: any may run. */
  readonly approve?: ApprovePackage | undefined;
  /** How to import the backends that the caller itself depends on, by scheme. */
  readonly builtIn?: Readonly<Record<string, () => Promise<object>>> | undefined;
}

interface Search {
  readonly scheme: string;
  readonly options: ResolveOptions;
  readonly packages: ApplicationPackages;
  readonly before: readonly ApplicationPackages[];
  readonly besides: ApplicationPackages | undefined;
}

/**
 * The backend of a store URL, not yet initialised. It comes from, in this order: `options.backend`; the package that
 * `options.backends` names; the project's own packages, those of `options.before`, then of the application, then beside the caller; a direct dependency of the application that declares the
 * scheme under `securestore.backend` in its `package.json`.
 *
 * @throws `INVALID_ARGUMENT` for an invalid store URL, an unknown scheme, or a package that is no backend of that
 *   scheme; `BACKEND_NOT_INSTALLED` with the name of the package; `UNSUPPORTED` for another contract version;
 *   `UNAVAILABLE` if a package can't be loaded
 */
export async function resolveBackend(url: string, options: ResolveOptions = {}): Promise<StorageBackend> {
  const { scheme } = parseStoreUrl(url);
  if (options.backend !== undefined) return checkBackend(options.backend, 'the backend option');
  checkOptions(options);
  const packages = applicationPackages(options.resolveFrom ?? process.cwd(), options.approve);
  const before = (options.before ?? []).map((folder) => applicationPackages(folder));
  const besides = options.besides === undefined ? undefined : applicationPackages(options.besides);
  const search = { scheme, options, packages, before, besides };
  const definition = (await fromMap(search)) ?? (await fromOfficial(search)) ?? (await fromDependencies(search));
  return checkBackend(definition.create(), `the backend of ${scheme}:`);
}

/**
 * The exports of one of the project's own packages that is no backend, for callers that need it only if it is used.
 *
 * @returns `undefined` if it is not installed
 * @throws `UNAVAILABLE` if it can't be loaded; `INVALID_ARGUMENT` if it belongs to another user
 */
export async function loadOwnPackage(
  packageName: string,
  { resolveFrom, besides }: Pick<ResolveOptions, 'resolveFrom' | 'besides'>,
): Promise<object | undefined> {
  const found = await applicationPackages(resolveFrom ?? process.cwd()).load(packageName);
  return found ?? (besides === undefined ? undefined : applicationPackages(besides).load(packageName));
}

/**
 * The packages whose code {@link resolveBackend} may run for an application: its backends among the project's own packages, its plugins, and
 * others that are named.
 *
 * @param folder that of the `package.json` of the application
 * @param names those that its option `backends` names
 * @throws `UNAVAILABLE` if one can't be loaded; `INVALID_ARGUMENT` if one belongs to another user
 */
export async function packagesOfApplication(folder: string, names: readonly string[] = []): Promise<FoundPackage[]> {
  const packages = applicationPackages(folder);
  const plugins = (await packages.plugins()).map(({ packageName }) => packageName);
  const all = new Set([...names.filter(isPackageName), ...OFFICIAL_BACKENDS.values(), ...plugins]);
  return [...all].map((name) => packages.find(name)).filter((found) => found !== undefined);
}

function checkOptions({ backends, resolveFrom }: ResolveOptions): void {
  if (backends !== undefined && (typeof backends !== 'object' || backends === null)) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      'the option "backends" must be an object that names a package for each scheme',
      {
        option: 'backends',
      },
    );
  }
  if (resolveFrom !== undefined && typeof resolveFrom !== 'string') {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "resolveFrom" must be the folder of a package.json', {
      option: 'resolveFrom',
    });
  }
}

async function fromMap({ scheme, options, packages }: Search): Promise<BackendDefinition | undefined> {
  const { backends } = options;
  if (backends === undefined || !Object.hasOwn(backends, scheme)) return undefined;
  const packageName = backends[scheme];
  if (!isPackageName(packageName)) {
    throw new SecureStoreError('INVALID_ARGUMENT', `the option "backends" must name an npm package for ${scheme}:`, {
      option: 'backends',
    });
  }
  const exports = await packages.load(packageName);
  if (exports === undefined) throw notInstalled(scheme, packageName);
  return definitionOf(exports, packageName, scheme);
}

async function fromOfficial(search: Search): Promise<BackendDefinition | undefined> {
  const { scheme, options, packages, before, besides } = search;
  const { builtIn = {} } = options;
  const packageName = OFFICIAL_BACKENDS.get(scheme);
  const load = Object.hasOwn(builtIn, scheme) ? builtIn[scheme] : undefined;
  if (load !== undefined) {
    const origin = packageName ?? `the built-in backend of ${scheme}:`;
    return definitionOf(await importFrom(origin, load), origin, scheme);
  }
  if (packageName === undefined) return undefined;
  const holder = [...before, packages, besides].find((place) => place?.has(packageName));
  const exports = await holder?.load(packageName);
  if (exports === undefined) throw await officialMissing(search, packageName);
  return definitionOf(exports, packageName, scheme);
}

async function fromDependencies(search: Search): Promise<BackendDefinition> {
  const { scheme, packages } = search;
  const plugins = await packages.plugins();
  const [plugin, ...others] = plugins.filter((candidate) => candidate.schemes.includes(scheme));
  if (plugin === undefined) throw await unknownScheme(search);
  if (others.length > 0) {
    const names = [plugin, ...others].map(({ packageName }) => packageName).join(' and ');
    const message = `the plugins ${names} both declare the scheme ${scheme}:`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'backends' });
  }
  if (!plugin.exported) throw notExported(scheme, plugin.packageName);
  checkContract(plugin.contract, plugin.packageName);
  const exports = await packages.load(plugin.packageName);
  if (exports === undefined) throw notInstalled(scheme, plugin.packageName);
  return definitionOf(exports, plugin.packageName, scheme);
}

function definitionOf(exports: object, origin: string, scheme: string): BackendDefinition {
  const definition: unknown = 'default' in exports ? exports.default : undefined;
  checkDefinition(definition, origin);
  if (definition.schemes.includes(scheme)) return definition;
  const served = definition.schemes.map((name) => `${name}:`).join(', ');
  throw new SecureStoreError('INVALID_ARGUMENT', `the package ${origin} is a backend of ${served}, not of ${scheme}:`);
}

function checkBackend(backend: StorageBackend, origin: string): StorageBackend {
  for (const method of ['init', 'read', 'write', 'delete', 'list', 'close'] as const) {
    if (typeof backend?.[method] === 'function') continue;
    throw new SecureStoreError('INVALID_ARGUMENT', `${origin} must be a storage backend, but has no method ${method}`);
  }
  return backend;
}

function notInstalled(scheme: string, packageName: string): SecureStoreError {
  return new SecureStoreError('BACKEND_NOT_INSTALLED', `the backend of ${scheme}:, ${packageName}, is not installed`, {
    advice: [{ id: 'install-package', package: packageName }],
  });
}

function notExported(scheme: string, packageName: string): SecureStoreError {
  const message = `${packageName} declares the scheme ${scheme}:, but its "exports" lack "./package.json": "./package.json"`;
  return new SecureStoreError('INVALID_ARGUMENT', message);
}

/** A plugin that declares a scheme of the project's own is named, since its scheme alone does not make it the backend. */
async function officialMissing(search: Search, packageName: string): Promise<SecureStoreError> {
  const { scheme, packages } = search;
  const claiming = (await packages.plugins()).filter(({ schemes }) => schemes.includes(scheme));
  const [other] = claiming.map((plugin) => plugin.packageName);
  const reserved =
    other === undefined ? '' : ` The package ${other} declares that scheme, which is reserved for ${packageName}.`;
  return new SecureStoreError(
    'BACKEND_NOT_INSTALLED',
    `the backend of ${scheme}:, ${packageName}, is not installed. ${installed(await schemesHere(search))}${reserved}`,
    { advice: [{ id: 'install-package', package: packageName }] },
  );
}

/** The schemes that can be used as things are. */
async function schemesHere({ options, packages, before, besides }: Search): Promise<string[]> {
  const { backends = {}, builtIn = {} } = options;
  const official = [...OFFICIAL_BACKENDS].filter(([, packageName]) =>
    [...before, packages, besides].some((place) => place?.has(packageName)),
  );
  const plugins = (await packages.plugins()).filter(({ exported }) => exported);
  const schemes = [
    ...official.map(([scheme]) => scheme),
    ...Object.keys(builtIn),
    ...Object.keys(backends),
    ...plugins.flatMap((plugin) => plugin.schemes).filter((scheme) => !OFFICIAL_BACKENDS.has(scheme)),
  ];
  return [...new Set(schemes)].toSorted();
}

/** More values than these are not listed in a message. */
const MOST_LISTED = 16;

/** The sentence that lists what could be used instead. */
function installed(schemes: readonly string[]): string {
  const shown = schemes.slice(0, MOST_LISTED).map((scheme) => `${scheme}:`);
  const rest = schemes.length - shown.length;
  const more = rest === 0 ? '' : ` and ${rest} more`;
  return `Installed backends: ${shown.length === 0 ? 'none' : shown.join(', ')}${more}.`;
}

async function unknownScheme(search: Search): Promise<SecureStoreError> {
  const { scheme, packages } = search;
  const { manifestPath } = packages;
  const plugins = existsSync(manifestPath) ? ` Plugins are direct dependencies in ${manifestPath}.` : '';
  const here = await schemesHere(search);
  const meant = similarTo(scheme, [...here, ...OFFICIAL_BACKENDS.keys()]);
  return new SecureStoreError('INVALID_ARGUMENT', `unknown scheme ${scheme}:. ${installed(here)}${plugins}`, {
    advice: meant === undefined ? [] : [{ id: 'give-store-url', form: `${meant}:…` }],
  });
}
