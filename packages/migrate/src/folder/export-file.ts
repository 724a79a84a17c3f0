import { lazyPart } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import { type FileTransferOptions, formatOf } from './file-format.ts';
import { checkPath, checkTransferOptions, folderOf } from './options.ts';
import { startTransfer } from './transfer.ts';
import type { ExportReport, ExportSource } from './types.ts';

const loadTransfers = lazyPart('imports and exports', () => import('./transfer-work.ts'));

/**
 * Writes the objects into one file, a `.env` or JSON file, each under its name relative to `prefix`: `NAME=value`, or members of objects, one for each part of a
 * name. {@link importFile} makes the same objects of it, and `util.parseEnv` reads the same values. The file is readable by its owner alone (mode 0600) and replaced whole; if it
 * is identical already it is not written. If there is no object, no file is written.
 *
 * Objects that the caller may not read, or may read only with an approval, are left out of the file and counted as `denied`.
 *
 * Objects that can't be in the file are left out of it and reported, by the code of the error: `INVALID_ARGUMENT` for data that are not UTF-8, and for a `.env` file
 * names that can't be variables and values that can't be written; `ALREADY_EXISTS` for an object in JSON whose name is also the folder of others; `TOO_LARGE`. The
 * job rejects with `ALREADY_EXISTS` if a folder or a symbolic link is at the path, `TOO_LARGE` if the file would have more than 16 MiB, which importing it could not read,
 * and with errors that concern every object, such as `UNAVAILABLE`: then nothing is written.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` or `INVALID_KEY` for invalid options, or if the name doesn't show the format
 */
export function exportFile(store: ExportSource, path: string, options: FileTransferOptions = {}): Job<ExportReport> {
  checkPath(path, 'file');
  checkTransferOptions(options, ['format']);
  const format = formatOf(path, options);
  const below = folderOf(options);
  return startTransfer('export-file', options, async (transfer) => {
    const { writeFile } = await loadTransfers();
    return writeFile(store, path, format, below, transfer);
  });
}
