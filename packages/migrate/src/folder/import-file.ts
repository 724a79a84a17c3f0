import { lazyPart } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import { type FileTransferOptions, formatOf } from './file-format.ts';
import { checkPath, checkTransferOptions, folderOf } from './options.ts';
import { startTransfer } from './transfer.ts';
import type { ImportReport, ImportTarget } from './types.ts';

const loadTransfers = lazyPart('imports and exports', () => import('./transfer-work.ts'));

/**
 * Stores the values of a `.env` or JSON file as many objects. A variable is the object of its name. A member of a JSON object is one of its name, and a value in
 * objects within it is named by all names that lead to it, with `/` between: `{ "db": { "password": "s3cr3t" } }` is the object `db/password`.
 * A text of JSON is stored as that text, a number, array, `true`, `false`, `null` or empty object as its JSON.
 *
 * Identical objects are skipped. A changed object keeps its metadata and expiry. The file is read whole: it has 16 MiB at most.
 *
 * Values that can't be stored are reported, by the code of the error: `INVALID_KEY` for a name that is not a valid key, `INVALID_ARGUMENT` for one that the file
 * gives twice, a text that isn't well-formed, or a value that a reader of `.env` files would cut at a `#`. The job rejects with `INVALID_ARGUMENT` if the file can't be read or is malformed, `TOO_LARGE`, and
 * with errors that concern every object, such as `UNAVAILABLE`. No error repeats a value.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` or `INVALID_KEY` for invalid options, or if the name doesn't show the format
 */
export function importFile(store: ImportTarget, path: string, options: FileTransferOptions = {}): Job<ImportReport> {
  checkPath(path, 'file');
  checkTransferOptions(options, ['format']);
  const format = formatOf(path, options);
  const below = folderOf(options);
  return startTransfer('import-file', options, async (transfer) => {
    const { readFile } = await loadTransfers();
    return readFile(store, path, format, below, transfer);
  });
}
