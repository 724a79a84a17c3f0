import { realpath } from 'node:fs/promises';
import { fileError, parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import { readEnv } from './env-text.ts';
import {
  type FileEntries,
  type FileEntry,
  type FileFormat,
  type FileTransferOptions,
  formatOf,
  MAX_FILE_BYTES,
  tooLarge,
} from './file-format.ts';
import { readJson } from './json-text.ts';
import { checkPath, checkTransferOptions, folderOf } from './options.ts';
import { openRegularFile } from './regular-file.ts';
import { storeItem } from './store-item.ts';
import { type ItemOutcome, startTransfer, type Transfer, transferItems } from './transfer.ts';
import type { ImportReport, ImportTarget } from './types.ts';

const CONCURRENCY = 16;

const READERS: Readonly<Record<FileFormat, (text: string) => FileEntries>> = { env: readEnv, json: readJson };

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
    transfer.progress({ phase: 'reading' });
    const entries = readEntries(path, await readText(path, transfer.signal), format);
    transfer.progress({ phase: 'importing', total: entries.count });
    await transferItems<FileEntry>(transfer, {
      items: entries,
      concurrency: CONCURRENCY,
      nameOf: ({ name }) => name,
      work: (entry) => importEntry(store, transfer, below, entry),
    });
    return transfer.imported();
  });
}

async function readText(path: string, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  await using file = await openRegularFile(await realPathOf(path), signal, { shown: path });
  for await (const chunk of file.read()) {
    size += chunk.byteLength;
    if (size > MAX_FILE_BYTES) throw tooLarge(`the file "${path}"`);
    chunks.push(chunk);
  }
  try {
    // A mark of the byte order at the beginning is no part of the text.
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    const message = `cannot import the file "${path}": its text is not UTF-8`;
    throw new SecureStoreError('INVALID_ARGUMENT', message);
  }
}

async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw fileError(error, `cannot read the file "${path}"`);
  }
}

function readEntries(path: string, text: string, format: FileFormat): FileEntries {
  try {
    return READERS[format](text);
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    throw SecureStoreError.from(error, { message: `cannot import the file "${path}": ${error.message}` });
  }
}

async function importEntry(
  store: ImportTarget,
  transfer: Transfer,
  below: string,
  entry: FileEntry,
): Promise<ItemOutcome> {
  if ('error' in entry) throw entry.error;
  if ('skipped' in entry) return { status: 'skipped', reason: entry.skipped };
  const key = parseStoreKey(below === '' ? entry.name : `${below}/${entry.name}`);
  const bytes = Buffer.from(entry.value);
  return await storeItem(store, transfer, key, { size: bytes.length, take: () => bytes });
}
