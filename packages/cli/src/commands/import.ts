import { opendir } from 'node:fs/promises';
import { fileError, parseStoreKey } from '@securestore/core-format';
import type { Call, ExitCode } from '../call.ts';
import { withStore } from '../open.ts';
import { parseFolder } from '../parse-values.ts';
import { runTransfer } from '../transfer.ts';

export interface ImportOptions {
  readonly prefix?: string;
}

/** `securestore import`. */
export async function importInto(call: Call<ImportOptions>, directory: string): Promise<ExitCode> {
  const { cli, options } = call;
  const prefix = parseFolder(options.prefix) || undefined;
  if (prefix !== undefined) parseStoreKey(prefix);
  // Before anybody is asked for a passphrase; it is looked at again once it is walked.
  await readableFolder(directory);
  const { importFolder } = await import('securestore');
  return await withStore(call, (store) =>
    runTransfer(call, 'imported', (onItem) => importFolder(store, directory, { prefix, onItem, signal: cli.signal })),
  );
}

/** @throws SecureStoreError where it can't be read */
async function readableFolder(folder: string): Promise<void> {
  try {
    await (await opendir(folder)).close();
  } catch (error) {
    throw fileError(error, `cannot read the folder "${folder}"`);
  }
}
