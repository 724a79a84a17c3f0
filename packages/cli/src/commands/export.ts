import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { FileFormat } from '@securestore/migrate';
import { fileFormatOf } from '@securestore/migrate/lazy';
import type { ExportSource, TransferItem } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { parseFolder } from '../call/parse-values.ts';
import { refuse } from '../errors/refuse.ts';
import { Commands } from '../errors/hints.ts';
import { printable } from '../terminal/terminal-text.ts';
import { runTransfer, type TransferWords } from '../object/transfer.ts';

export interface ExportOptions {
  readonly prefix?: string;
  readonly metadata?: boolean;
  readonly format?: 'folder' | FileFormat;
}

/** `securestore export`. */
export async function exportTo(call: Call<ExportOptions>, path: string): Promise<ExitCode> {
  const { cli, out, options } = call;
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
  let folder: string | undefined;
  const exitCode = await withStore(call, (store) =>
    runTransfer(
      call,
      'exported',
      (onItem) => {
        const told = async (item: TransferItem): Promise<void> => {
          if (item.status === 'failed') folder ??= /^(.+)\/[^/]/.exec(item.name)?.[1];
          await onItem(item);
        };
        return exportFile(store, path, { format, prefix, onItem: told, signal: cli.signal });
      },
      { none: nothingBelow(prefix), asking: ASKING },
    ),
  );
  if (format === 'env' && folder !== undefined) for (const hint of folderHints(call, prefix, folder)) out.note(hint);
  return exitCode;
}

/** How to export what is in folders. @param folder one of them, relative to `prefix` */
function folderHints(call: Call<ExportOptions>, prefix: string | undefined, folder: string): string[] {
  if (prefix === undefined) return ['hint: a .env file holds the objects of one folder: give it by --prefix'];
  const commands = new Commands(call);
  // Not to the same file, which may have objects by now.
  const deeper = commands.on(['export', 'FILE.env'], { prefix: `${prefix}/${folder}` });
  const whole = commands.on(['export', 'FILE.json'], { prefix });
  return [
    `hint: a .env file holds the objects of one folder, without those of folders in it; for one of these: ${deeper}`,
    `hint: for all in one file: ${whole}`,
  ].map(printable);
}

const ASKING = 'securestore approval request read KEY';

/** A program that was to read what is below a misspelt prefix would go on without it, or with the file of before. */
function nothingBelow(prefix: string | undefined): string | undefined {
  return prefix === undefined ? undefined : `no object exists below "${prefix}". Nothing was written.`;
}

/**
 * What the name of a file says; a folder if one is there, if the name is that of one, and by default.
 *
 * @throws `INVALID_ARGUMENT` for the name of another kind of file, which was hardly meant for a folder
 */
async function formatOf(path: string): Promise<'folder' | FileFormat> {
  if (/[/\\]$/.test(path)) return 'folder';
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return 'folder';
  const format = fileFormatOf(path);
  if (format !== undefined || extname(path) === '') return format ?? 'folder';
  return refuse(
    `"${path}" is the name of a file, and not of one that can hold objects. Nothing was written.`,
    { text: 'for a file choose a name that ends in .json or .env, or give --format' },
    { text: 'for a folder', on: ['export', `${path}/`] },
  );
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
