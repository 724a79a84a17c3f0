import { access, constants, opendir } from 'node:fs/promises';
import { fileError, parseStoreKey, systemCodeOf } from '@securestore/core-format';
import type { FileFormat } from '@securestore/migrate';
import { fileFormatOf } from '@securestore/migrate/lazy';
import type { TransferItem } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { ImportPlan } from '../object/import-plan.ts';
import { withStore } from '../store/open.ts';
import { parseFolder } from '../call/parse-values.ts';
import { refuse } from '../errors/refuse.ts';
import { runTransfer } from '../object/transfer.ts';

export interface ImportOptions {
  readonly prefix?: string;
  readonly format?: 'folder' | FileFormat;
  readonly dryRun?: boolean;
}

/** `securestore import`. */
export async function importFrom(call: Call<ImportOptions>, path: string): Promise<ExitCode> {
  const { cli, options } = call;
  const prefix = parseFolder(options.prefix) || undefined;
  if (prefix !== undefined) parseStoreKey(prefix);
  // Before anybody is asked for a passphrase; it is looked at again once it is read.
  const format = await readableFormat(path, options.format);
  const { importFile, importFolder } = await import('securestore');
  return await withStore(call, (store) => {
    const plan = options.dryRun === true ? new ImportPlan(store) : undefined;
    return runTransfer(call, plan === undefined ? 'imported' : 'to import', (onItem) => {
      const common = {
        prefix,
        onItem: (item: TransferItem) => onItem(plan?.planned(item) ?? item),
        signal: cli.signal,
      };
      const target = plan ?? store;
      return format === 'folder' ? importFolder(target, path, common) : importFile(target, path, { ...common, format });
    });
  });
}

/** What is at `path`: what was given, a folder, or what the name of a file says. @throws SecureStoreError where it can't be read */
async function readableFormat(path: string, given: ImportOptions['format']): Promise<'folder' | FileFormat> {
  const said = given ?? fileFormatOf(path);
  const what = said === 'env' || said === 'json' ? 'file' : 'folder';
  try {
    if (given !== 'env' && given !== 'json' && (await isFolder(path, given))) return 'folder';
    await access(path, constants.R_OK);
  } catch (error) {
    throw fileError(error, `cannot read the ${what} "${path}"`);
  }
  if (said !== undefined && said !== 'folder') return said;
  return refuse(
    `the name of the file "${path}" does not tell its format`,
    { text: 'give --format env or --format json' },
    { text: 'to store it as one object', on: ['put', 'KEY', path] },
  );
}

/** @throws what opening it throws, but not that it is none where none was asked for */
async function isFolder(path: string, given: ImportOptions['format']): Promise<boolean> {
  try {
    await (await opendir(path)).close();
    return true;
  } catch (error) {
    if (given === undefined && systemCodeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}
