import { realpath } from 'node:fs/promises';
import { fileError, parseStoreKey, SecureStoreError } from '@securestore/core-format';
import { readEnv } from './env-text.ts';
import { type FileEntries, type FileEntry, type FileFormat, MAX_FILE_BYTES, tooLarge } from './file-format.ts';
import { readJson } from './json-text.ts';
import { openRegularFile } from './regular-file.ts';
import { storeItem } from './store-item.ts';
import { type ItemOutcome, type Transfer, transferItems } from './transfer.ts';
import type { ImportReport, ImportTarget } from './types.ts';

const CONCURRENCY = 16;

const READERS: Readonly<Record<FileFormat, (text: string) => FileEntries>> = { env: readEnv, json: readJson };

/** Stores the values of one file. */
export async function readFile(
  store: ImportTarget,
  path: string,
  format: FileFormat,
  below: string,
  transfer: Transfer,
): Promise<ImportReport> {
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
