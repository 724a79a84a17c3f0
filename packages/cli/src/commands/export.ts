import { stat } from 'node:fs/promises';
import type { FileFormat } from '@securestore/migrate';
import { fileFormatOf } from '@securestore/migrate/lazy';
import type { ExportSource } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { parseFolder } from '../call/parse-values.ts';
import { refuse } from '../errors/refuse.ts';
import { runTransfer, type TransferWords } from '../object/transfer.ts';

export interface ExportOptions {
  readonly prefix?: string;
  readonly metadata?: boolean;
  readonly format?: 'folder' | FileFormat;
}

/** `securestore export`. */
export async function exportTo(call: Call<ExportOptions>, path: string): Promise<ExitCode> {
  const { cli, options } = call;
  const prefix = parseFolder(options.prefix) || undefined;
  const format = options.format ?? (await formatOf(path));
  if (format === 'folder') {
    const { metadata } = options;
    return await withStore(call, (store) => exportToFolder(call, store, path, { prefix, metadata }));
  }
  if (options.metadata === true) {
    refuse('--metadata needs a folder: a file of many objects cannot hold it');
  }
  const { exportFile } = await import('securestore');
  return await withStore(call, (store) =>
    runTransfer(call, 'exported', (onItem) => exportFile(store, path, { format, prefix, onItem, signal: cli.signal }), {
      none: nothingBelow(prefix),
      asking: ASKING,
    }),
  );
}

const ASKING = 'securestore approval request read KEY';

/** A program that was to read what is below a misspelt prefix would go on without it, or with the file of before. */
function nothingBelow(prefix: string | undefined): string | undefined {
  return prefix === undefined ? undefined : `no object exists below "${prefix}". Nothing was written.`;
}

/** What the name of a file says; a folder where one is, where the name is that of one, and by default. */
async function formatOf(path: string): Promise<'folder' | FileFormat> {
  if (/[/\\]$/.test(path)) return 'folder';
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true ? 'folder' : (fileFormatOf(path) ?? 'folder');
}

/** Writes the objects of a store, or of a snapshot of one, below a folder. */
export async function exportToFolder(
  call: Call,
  store: ExportSource,
  directory: string,
  options: { readonly prefix: string | undefined; readonly metadata?: boolean | undefined },
  words: TransferWords = {},
): Promise<ExitCode> {
  const { exportFolder } = await import('securestore');
  return await runTransfer(
    call,
    'exported',
    (onItem) => exportFolder(store, directory, { ...options, onItem, signal: call.cli.signal }),
    { none: nothingBelow(options.prefix), asking: ASKING, ...words },
  );
}
