import { parseStoreKey, SecureStoreError, type StoreKey } from '@securestore/core-format';
import { createGate, type Gate } from './concurrency.ts';
import { type FoundFile, type FoundRegularFile, walkFolder } from './folder-walk.ts';
import { ownFiles } from './own-files.ts';
import { type OpenFile, openRegularFile, readBytes } from './regular-file.ts';
import { MAX_SIDECAR_BYTES, parseSidecar, type Sidecar } from './sidecar.ts';
import { type ItemData, storeItem } from './store-item.ts';
import { type ItemOutcome, type Transfer, transferItems } from './transfer.ts';
import type { ImportReport, ImportTarget } from './types.ts';

const CONCURRENCY = 16;

/** Files up to this many bytes are read once and kept; longer ones are streamed, and at most a few at once. */
const SMALL_BYTES = 1024 * 1024;
const LARGE_AT_ONCE = 2;

interface FolderImport {
  readonly store: ImportTarget;
  readonly transfer: Transfer;
  /** The folder in the store, or ''. */
  readonly below: string;
  readonly large: Gate;
}

/** Stores the files below a folder. */
export async function readFolder(
  store: ImportTarget,
  directory: string,
  below: string,
  transfer: Transfer,
): Promise<ImportReport> {
  const isOwn = await ownFiles(store.url);
  const work: FolderImport = { store, transfer, below, large: createGate(LARGE_AT_ONCE) };
  transfer.progress({ phase: 'listing' });
  transfer.progress({ phase: 'importing', total: await countFiles(directory, isOwn, transfer.signal) });
  await transferItems<FoundFile>(transfer, {
    items: walkFolder(directory, isOwn),
    concurrency: CONCURRENCY,
    nameOf: ({ name }) => name,
    work: (found) => importFound(work, found),
  });
  return transfer.imported();
}

/** How many files there are, without sidecars. Folders are read for that, and no file. */
async function countFiles(directory: string, isOwn: (path: string) => boolean, signal: AbortSignal): Promise<number> {
  let total = 0;
  for await (const found of walkFolder(directory, isOwn)) {
    signal.throwIfAborted();
    if (!('isSidecarName' in found && found.isSidecarName)) total += 1;
  }
  return total;
}

async function importFound(work: FolderImport, found: FoundFile): Promise<ItemOutcome | undefined> {
  if (found.kind === 'failed') throw found.error;
  if (found.kind === 'skipped') return { status: 'skipped', reason: found.reason };
  const { signal } = work.transfer;
  if (found.isSidecarName && (await isSidecar(found.path, signal))) return undefined;
  const key = keyOf(work.below === '' ? found.name : `${work.below}/${found.name}`);
  await using file = await openRegularFile(found.path, signal, { isReal: true });
  if (file.size <= SMALL_BYTES) return await importOpen(work, found, key, file);
  return await work.large(() => importOpen(work, found, key, file));
}

function keyOf(name: string): StoreKey {
  try {
    return parseStoreKey(name);
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    throw SecureStoreError.from(error, { advice: [{ id: 'rename-file' }] });
  }
}

async function importOpen(
  { store, transfer }: FolderImport,
  found: FoundRegularFile,
  key: StoreKey,
  file: OpenFile,
): Promise<ItemOutcome> {
  const sidecar = found.sidecar === undefined ? undefined : await readSidecar(found.sidecar, transfer.signal);
  return await storeItem(store, transfer, key, await dataOf(file), sidecar);
}

async function dataOf(file: OpenFile): Promise<ItemData> {
  const { size } = file;
  if (size > SMALL_BYTES) return { size, take: () => file.read() };
  const bytes = await readBytes(file, SMALL_BYTES);
  return { size, take: () => bytes };
}

async function readSidecar(path: string, signal: AbortSignal): Promise<Sidecar | undefined> {
  await using file = await openRegularFile(path, signal, { isReal: true });
  if (file.size > MAX_SIDECAR_BYTES) return undefined;
  return parseSidecar(new TextDecoder().decode(await readBytes(file, MAX_SIDECAR_BYTES)));
}

async function isSidecar(path: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await readSidecar(path, signal)) !== undefined;
  } catch {
    // A malformed sidecar is reported with the file that it belongs to.
    return true;
  }
}
