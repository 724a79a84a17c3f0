import { lazyPart, SecureStoreError } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import { checkPath, checkTransferOptions, folderOf } from './options.ts';
import { startTransfer } from './transfer.ts';
import type { ExportReport, ExportSource, TransferOptions } from './types.ts';

export interface ExportFolderOptions extends TransferOptions {
  /** Writes `NAME.securestore.json` beside each file, with its metadata and expiry, which {@link importFolder} reads back. */
  readonly metadata?: boolean | undefined;
}

const loadTransfers = lazyPart('imports and exports', () => import('./transfer-work.ts'));

/**
 * Writes the objects as files below a folder, each under its name relative to `prefix`: readable by their owner alone (mode 0600), and
 * replaced whole. Identical files are skipped, so that an export can be repeated, and the same call resumes an interrupted one.
 * Nothing is deleted, and nothing is written outside the folder, which is created if it is missing.
 *
 * Objects that the caller may not read, or may read only with an approval, are left out and counted as `denied`: such an export is incomplete.
 *
 * Objects that can't be written are reported, by the code of the error: `ALREADY_EXISTS` if another file is at the path, such as a symbolic link, and for an
 * object whose name is also the folder of others; `INTEGRITY` for one that is damaged. The job rejects with `INVALID_ARGUMENT` or `ACCESS_DENIED` if the
 * folder can't be created, and with errors that concern every object, such as `NO_SPACE` or `UNAVAILABLE`.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` or `INVALID_KEY` for invalid options
 */
export function exportFolder(
  store: ExportSource,
  directory: string,
  options: ExportFolderOptions = {},
): Job<ExportReport> {
  checkPath(directory, 'folder');
  checkTransferOptions(options, ['metadata']);
  const { metadata: sidecars = false } = options;
  if (typeof sidecars !== 'boolean') {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "metadata" must be true or false', {
      option: 'metadata',
    });
  }
  const below = folderOf(options);
  return startTransfer('export-folder', options, async (transfer) => {
    const { writeFolder } = await loadTransfers();
    return writeFolder(store, directory, below, sidecars, transfer);
  });
}
