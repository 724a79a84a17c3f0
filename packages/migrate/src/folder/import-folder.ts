import { lazyPart } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import { checkPath, checkTransferOptions, folderOf } from './options.ts';
import { startTransfer } from './transfer.ts';
import type { ImportReport, ImportTarget, TransferOptions } from './types.ts';

const loadTransfers = lazyPart('imports and exports', () => import('./transfer-work.ts'));

/**
 * Stores the files below a folder, each under its path relative to it. Identical objects are skipped, so that an import can be
 * repeated, and the same call resumes an interrupted one. A changed file keeps the metadata and expiry of its object, unless
 * `NAME.securestore.json`, which {@link exportFolder} writes, gives others. Symbolic links are not followed. Large files are streamed.
 *
 * Files that can't be stored are reported, by the code of the error: `INVALID_KEY` for a name that is not a valid key, `ACCESS_DENIED` for a file that
 * can't be read, and so on. The job rejects with `INVALID_ARGUMENT` if the folder does not exist or has the store in it, and with
 * errors that concern every file, such as `UNAVAILABLE`.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` or `INVALID_KEY` for invalid options
 */
export function importFolder(store: ImportTarget, directory: string, options: TransferOptions = {}): Job<ImportReport> {
  checkPath(directory, 'folder');
  checkTransferOptions(options);
  const below = folderOf(options);
  return startTransfer('import-folder', options, async (transfer) => {
    const { readFolder } = await loadTransfers();
    return readFolder(store, directory, below, transfer);
  });
}
