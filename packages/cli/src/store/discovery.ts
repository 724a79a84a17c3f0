import { basename, dirname } from 'node:path';
import type { FoundPackage } from '@securestore/backend-api';
import type { Discovery, StoreConfig } from 'securestore';
import type { Call } from '../call/call.ts';
import type { Cli } from '../terminal/cli-context.ts';
import { checkDestination } from './location-from-file.ts';
import { refuse } from '../errors/refuse.ts';
import { folderOf, identifyConfig, identifyPackage, readTrust, type TrustRecord } from './trust-records.ts';

/** Whether somebody has said that they trust a folder, as it is now. */
type Standing = { readonly state: 'never' | 'changed' } | { readonly state: 'trusted'; readonly record: TrustRecord };

const TRUST = 'securestore trust';

/** Whether the configuration of a folder is as it was when somebody trusted the folder. */
export async function standingOf(cli: Pick<Cli, 'env'>, folder: string): Promise<Standing> {
  const { findConfig } = await import('securestore');
  const record = await readTrust(cli, folder);
  if (record === undefined) return { state: 'never' };
  const file = await findConfig(folder);
  const config = file === undefined ? null : await identifyConfig(file);
  const isSame = config?.name === record.config?.name && config?.sha256 === record.config?.sha256;
  return isSame ? { state: 'trusted', record } : { state: 'changed' };
}

/** Whether a package is one that somebody trusted in a folder. */
async function isTrusted({ packages }: TrustRecord, found: FoundPackage): Promise<boolean> {
  const now = await identifyPackage(found);
  return packages.some(
    (one) => one.name === now.name && one.version === now.version && one.path === now.path && one.sha256 === now.sha256,
  );
}

async function approve(cli: Pick<Cli, 'env'>, found: FoundPackage): Promise<void> {
  const standing = await standingOf(cli, await folderOf('.'));
  if (standing.state === 'trusted' && (await isTrusted(standing.record, found))) return;
  const { name, version, path } = await identifyPackage(found);
  const what = `${name} ${version} in ${path}`.replace('  ', ' ');
  refuse(`the backend ${what} would run with your secrets, and ${whyNot(standing.state === 'changed')}`, {
    text: 'if you trust both as they are now',
    command: TRUST,
  });
}

const isProgram = (file: string): boolean => !file.endsWith('.json');

/**
 * The configuration of the working directory. One that is a program is run only in a folder that is trusted.
 *
 * @param otherwise what is done in another folder
 */
async function configOf(
  { cli }: Pick<Call, 'cli'>,
  otherwise: (name: string, hasChanged: boolean) => StoreConfig,
): Promise<StoreConfig> {
  const { findConfig, loadConfig } = await import('securestore');
  const file = await findConfig('.');
  if (file === undefined || !isProgram(file)) return loadConfig('.');
  const { state } = await standingOf(cli, await folderOf('.'));
  return state === 'trusted' ? loadConfig('.') : otherwise(basename(file), state === 'changed');
}

const whyNot = (hasChanged: boolean): string =>
  hasChanged ? 'this folder has changed since you trusted it' : 'this folder is not trusted';

/**
 * The store that the configuration of the working directory names.
 *
 * @throws `INVALID_ARGUMENT` if that is a program in a folder that is not trusted
 */
export async function configuredStore(call: Pick<Call, 'cli'>): Promise<string | undefined> {
  const config = await configOf(call, (name, hasChanged) => {
    return refuse(
      `${name} is a program that names the store, and ${whyNot(hasChanged)}`,
      { text: 'read it; if you trust it', command: TRUST },
      { text: 'or give --store URL' },
    );
  });
  return config.store;
}

/** Where this program is installed, and where it was started from, as in the `node_modules` of a project by npx. */
export function besideUs({ script }: Pick<Cli, 'script'>): string[] {
  return [import.meta.dirname, ...(script === undefined ? [] : [dirname(script)])];
}

/**
 * How packages and settings are found: first beside this program, and in the working directory only if that is trusted.
 *
 * @param file what names the store, if nobody has named it by hand
 */
export function discoveryOf(call: Pick<Call, 'cli' | 'out' | 'args'>, file?: string): Discovery {
  return {
    ...(file !== undefined && { reach: (url) => checkDestination(call, url, file) }),
    before: besideUs(call.cli),
    approve: (found) => approve(call.cli, found),
    config: () =>
      configOf(call, (name, hasChanged) => {
        call.out.warning(
          `${name} was not run, since ${whyNot(hasChanged)}. Read it, and if you trust it, run: ${TRUST}`,
        );
        return {};
      }),
  };
}
