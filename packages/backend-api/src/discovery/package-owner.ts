import { lstatSync, statSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SecureStoreError } from '@securestore/core-format';

const QUIET = { throwIfNoEntry: false } as const;

/** The users who decide already which code runs here: this user, the system, and the user who installed this package. */
function trustedOwners(self: number): ReadonlySet<number> {
  const own = import.meta.url.startsWith('file:') ? statSync(fileURLToPath(import.meta.url), QUIET)?.uid : undefined;
  return new Set([self, 0, own ?? self]);
}

/** Of the `node_modules` in which a package is found, of what leads from there to it, and of the code itself. */
function statsOf(resolver: NodeJS.Require, packageName: string, path: string): (Stats | undefined)[] {
  const code = [statSync(path, QUIET), statSync(dirname(path), QUIET)];
  const folders = resolver.resolve.paths(packageName) ?? [];
  const holder = folders.find((folder) => lstatSync(join(folder, packageName), QUIET) !== undefined);
  if (holder === undefined) return code;
  const [scope, name = ''] = packageName.split('/');
  const steps = [join(holder, scope ?? ''), join(holder, scope ?? '', name)];
  return [...code, statSync(holder, QUIET), ...steps.map((step) => lstatSync(step, QUIET))];
}

/**
 * A package is also searched in the folders above that of the application. If other users may write to one of those, such as
 * the folder of temporary files, their package must not run with the store's secrets.
 *
 * @param path the file that is to be run
 * @throws SecureStoreError `INVALID_ARGUMENT` if it, or a folder in which it is found, belongs to another user
 */
export function checkPackageOwner(resolver: NodeJS.Require, packageName: string, path: string): void {
  const self = process.getuid?.();
  if (self === undefined) return;
  const trusted = trustedOwners(self);
  if (statsOf(resolver, packageName, path).every((stats) => stats !== undefined && trusted.has(stats.uid))) return;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `the package ${packageName} in ${dirname(path)}, or a folder above it, belongs to another user. The package was not loaded.`,
    { advice: [{ id: 'install-package', package: packageName }] },
  );
}
