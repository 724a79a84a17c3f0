import { stat } from 'node:fs/promises';
import { packagesOfApplication } from '@securestore/backend-api';
import type { Call } from '../call/call.ts';
import { besideUs, standingOf } from '../store/discovery.ts';
import { refusal, refuse } from '../errors/refuse.ts';
import { printable } from '../terminal/terminal-text.ts';
import {
  folderOf,
  identifyConfig,
  identifyPackage,
  listTrust,
  type PackageIdentity,
  removeTrust,
  type TrustRecord,
  writeTrust,
} from '../store/trust-records.ts';

export interface TrustOptions {
  readonly remove?: boolean;
  readonly list?: boolean;
}

type TrustCall = Call<TrustOptions>;

/** `securestore trust`. */
export async function trust(call: TrustCall, path: string | undefined): Promise<void> {
  const { options } = call;
  if (options.list === true && path !== undefined) {
    refuse('--list takes no folder');
  }
  if (options.list === true) return await list(call);
  const folder = await folderOf(path ?? '.');
  return options.remove === true ? await remove(call, folder) : await add(call, folder);
}

/** What this program would run of a folder; nothing of it is run yet but its configuration, if that is a program. */
async function add(call: TrustCall, folder: string): Promise<void> {
  const { cli, out } = call;
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw refusal('NOT_FOUND', `the folder "${folder}" does not exist`);
  }
  const { findConfig, loadConfig } = await import('securestore');
  const file = await findConfig(folder);
  const config = file === undefined ? null : await identifyConfig(file);
  const { backends = {} } = file === undefined ? {} : await loadConfig(folder);
  const packages = await packagesAt(call, folder, Object.values(backends));
  if (config === null && packages.length === 0) {
    const message = `"${folder}" has no securestore.config file and no backend to trust. Nothing was changed.`;
    throw refusal('NOT_FOUND', message);
  }
  const record = { folder, config, packages };
  await writeTrust(cli, record);
  await out.result({ folder, trusted: true, config, packages }, () => [
    `trusted: ${printable(folder)}`,
    ...partsOf(record).map((part) => `  ${printable(part)}`),
    'If one of these files changes, run this command again. To undo it: securestore trust --remove',
  ]);
  if (packages.length > 0 || config?.name.endsWith('.json') !== true) return;
  out.note(
    `note: ${config.name} runs nothing and needs no trust. ` +
      'Secrets of the environment still go only to a store that you name by --store or $SECURESTORE_URL.',
  );
}

/** The packages that would come from a folder, and not from beside this program. */
async function packagesAt({ cli }: TrustCall, folder: string, named: readonly string[]): Promise<PackageIdentity[]> {
  const own = await Promise.all(besideUs(cli).map((place) => packagesOfApplication(place)));
  const beside = new Set(own.flat().map(({ packageName }) => packageName));
  const wanted = new Set(named);
  const found = await packagesOfApplication(folder, named);
  const foreign = found.filter(({ packageName }) => wanted.has(packageName) || !beside.has(packageName));
  return await Promise.all(foreign.map(identifyPackage));
}

function partsOf({ config, packages }: TrustRecord): string[] {
  const parts = packages.map(({ name, version, path }) => `the backend ${name} ${version} in ${path}`);
  return config === null ? parts : [config.name, ...parts];
}

async function remove({ cli, out }: TrustCall, folder: string): Promise<void> {
  const removed = await removeTrust(cli, folder);
  await out.result({ folder, trusted: false, removed }, () =>
    removed ? `no longer trusted: ${printable(folder)}` : `was not trusted: ${printable(folder)}`,
  );
}

async function list({ cli, out }: TrustCall): Promise<void> {
  const records = await listTrust(cli);
  if (records.length === 0) out.note('no folder is trusted');
  for (const record of records) {
    const { state } = await standingOf(cli, record.folder).catch(() => ({ state: 'changed' }));
    const note = state === 'trusted' ? '' : ' (changed since)';
    await out.result({ ...record, changed: state !== 'trusted' }, () => [
      `${printable(record.folder)}${note}`,
      ...partsOf(record).map((part) => `  ${printable(part)}`),
    ]);
  }
}
