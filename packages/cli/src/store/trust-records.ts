import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { FoundPackage } from '@securestore/backend-api';
import {
  fileError,
  flushFolder,
  makeFolderDurably,
  replaceFile,
  SecureStoreError,
  shellPath,
  systemCodeOf,
} from '@securestore/core-format';
import type { Cli } from '../terminal/cli-context.ts';
import { refuse } from '../errors/refuse.ts';

/** A package as it was when a folder was trusted. */
export interface PackageIdentity {
  readonly name: string;
  readonly version: string;
  /** The folder of the package, without links. */
  readonly path: string;
  /** Of its `package.json`. */
  readonly sha256: string;
}

/** A configuration file as it was when a folder was trusted. */
export interface ConfigIdentity {
  readonly name: string;
  readonly sha256: string;
}

/** What somebody has said that they trust, in one folder. */
export interface TrustRecord {
  /** Without links. */
  readonly folder: string;
  readonly config: ConfigIdentity | null;
  readonly packages: readonly PackageIdentity[];
}

const KIND = 'securestore trust 1';
const MAX_BYTES = 1024 * 1024;
const OTHERS_WRITE = 0o022;

/** The folder of these records. A relative `$XDG_CONFIG_HOME` counts for nothing, as its specification says. */
function recordsFolder({ env }: Pick<Cli, 'env'>): string {
  const config = env['XDG_CONFIG_HOME'] ?? '';
  const home = env['HOME'] ?? '';
  return join(
    isAbsolute(config) ? config : join(isAbsolute(home) ? home : homedir(), '.config'),
    'securestore',
    'trust',
  );
}

function recordFile(cli: Pick<Cli, 'env'>, folder: string): string {
  return join(recordsFolder(cli), `${createHash('sha256').update(folder).digest('hex').slice(0, 32)}.json`);
}

/** A folder without links; one that is gone as it is written. */
export async function folderOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return resolve(path);
    throw fileError(error, `cannot read the folder "${path}"`);
  }
}

async function digestOf(file: string): Promise<{ readonly text: string; readonly sha256: string }> {
  if ((await stat(file)).size > MAX_BYTES) {
    throw new SecureStoreError('INVALID_ARGUMENT', `the file "${file}" is larger than 1 MiB`);
  }
  const bytes = await readFile(file);
  return { text: bytes.toString('utf8'), sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** What a configuration file is recognised by. */
export async function identifyConfig(file: string): Promise<ConfigIdentity> {
  return { name: basename(file), sha256: (await digestOf(file)).sha256 };
}

/** What a package is recognised by. @throws `INVALID_ARGUMENT` if it has no `package.json` that says so */
export async function identifyPackage({ packageName, manifest }: FoundPackage): Promise<PackageIdentity> {
  const unrecognised = (): never => refuse(`the package ${packageName} has no package.json to recognise it by`);
  if (manifest === undefined) return unrecognised();
  const file = await realpath(manifest);
  const { text, sha256 } = await digestOf(file);
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return { name: packageName, version: typeof version === 'string' ? version : '', path: dirname(file), sha256 };
  } catch {
    return unrecognised();
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';

function isConfig(value: unknown): value is ConfigIdentity | null {
  return value === null || (isObject(value) && isText(value['name']) && isText(value['sha256']));
}

function isPackage(value: unknown): value is PackageIdentity {
  return isObject(value) && ['name', 'version', 'path', 'sha256'].every((field) => isText(value[field]));
}

function parseRecord(text: string): TrustRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || value['securestore'] !== KIND) return undefined;
  const { folder, config, packages } = value;
  if (!isText(folder) || !isConfig(config) || !Array.isArray(packages) || !packages.every(isPackage)) return undefined;
  return { folder, config, packages };
}

/** @throws `INVALID_ARGUMENT` if another user could have written a record */
async function checkOwn(path: string): Promise<void> {
  const self = process.getuid?.();
  if (self === undefined) return;
  for (const one of [path, dirname(path)]) {
    const { uid, mode } = await lstat(one);
    if ((uid === self || uid === 0) && (mode & OTHERS_WRITE) === 0) continue;
    refuse(`other users can change "${one}", which lists the folders that you trust`, {
      text: 'to make it yours alone',
      command: `chmod go-w ${shellPath(one)}`,
    });
  }
}

async function readRecordFile(file: string): Promise<TrustRecord | undefined> {
  try {
    await checkOwn(file);
    return parseRecord((await digestOf(file)).text);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')) return undefined;
    throw fileError(error, `cannot read "${file}", which says which folders you trust`);
  }
}

/** What was trusted in a folder; `undefined` if nothing was, or the record is damaged. */
export async function readTrust(cli: Pick<Cli, 'env'>, folder: string): Promise<TrustRecord | undefined> {
  const record = await readRecordFile(recordFile(cli, folder));
  return record?.folder === folder ? record : undefined;
}

/** All records, by their folders. */
export async function listTrust(cli: Pick<Cli, 'env'>): Promise<TrustRecord[]> {
  const folder = recordsFolder(cli);
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw fileError(error, `cannot read the folder "${folder}"`);
  }
  const records = await Promise.all(names.map((name) => readRecordFile(join(folder, name))));
  const found = records.filter((record) => record !== undefined);
  return found.toSorted((one, other) => (one.folder < other.folder ? -1 : 1));
}

/** Writes a record whole, readable by its owner alone. */
export async function writeTrust(cli: Pick<Cli, 'env' | 'random'>, record: TrustRecord): Promise<void> {
  const file = recordFile(cli, record.folder);
  const temporary = `${file}.${Buffer.from(cli.random(8)).toString('hex')}`;
  try {
    await makeFolderDurably(dirname(file));
    const text = `${JSON.stringify({ securestore: KIND, ...record }, undefined, 2)}\n`;
    await replaceFile(file, temporary, (handle) => handle.writeFile(text));
  } catch (error) {
    throw fileError(error, `cannot write "${file}"; the folder is not trusted`);
  }
}

/** Whether there was a record to remove. */
export async function removeTrust(cli: Pick<Cli, 'env'>, folder: string): Promise<boolean> {
  const file = recordFile(cli, folder);
  try {
    await rm(file);
    await flushFolder(dirname(file));
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')) return false;
    throw fileError(error, `cannot remove "${file}"; the folder is still trusted`);
  }
}
