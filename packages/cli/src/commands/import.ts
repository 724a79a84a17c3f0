import { parseStoreKey, SecureStoreError, type StoreKey } from '@securestore/core-format';
import type { ObjectInfo, SecureStore } from 'securestore';
import { type ItemOutcome, runBatch } from '../batch.ts';
import type { Call, ExitCode } from '../call.ts';
import { createGate, type Gate } from '../concurrency.ts';
import { withAdvice } from '../error-report.ts';
import { type FoundFile, type FoundRegularFile, readableFolder, walkFolder } from '../folder-walk.ts';
import { withStore } from '../open.ts';
import { ownFiles } from '../own-files.ts';
import { parseFolder } from '../parse-values.ts';
import type { Progress } from '../progress.ts';
import { type OpenFile, openRegularFile, readBytes } from '../regular-file.ts';
import { MAX_SIDECAR_BYTES, parseSidecar, type Sidecar } from '../sidecar.ts';

export interface ImportOptions {
  readonly prefix?: string;
}

const CONCURRENCY = 16;

/** Files up to this many bytes are read once and kept; longer ones are streamed, and at most a few at once. */
const SMALL_BYTES = 1024 * 1024;
const LARGE_AT_ONCE = 2;

interface Job {
  readonly call: Call;
  readonly store: SecureStore;
  readonly folder: string;
  readonly large: Gate;
  readonly progress: Progress;
}

/** `securestore import`. */
export async function importFolder(call: Call<ImportOptions>, directory: string): Promise<ExitCode> {
  const folder = parseFolder(call.options.prefix);
  if (folder !== '') parseStoreKey(folder);
  // Before anybody is asked for a passphrase; it is looked at again once it is walked.
  await readableFolder(directory);
  const large = createGate(LARGE_AT_ONCE);
  return await withStore(call, async (store) => {
    const isOwn = await ownFiles(store.location);
    return await runBatch<FoundFile>(call, {
      verb: 'imported',
      items: walkFolder(directory, isOwn),
      concurrency: CONCURRENCY,
      nameOf: ({ name }) => name,
      work: (found, progress) => importFound({ call, store, folder, large, progress }, found),
    });
  });
}

async function importFound(job: Job, found: FoundFile): Promise<ItemOutcome | undefined> {
  if (found.kind === 'failed') throw found.error;
  if (found.kind === 'skipped') return { status: 'skipped', reason: found.reason };
  if (found.isSidecarName && (await isSidecar(found.path, job.call.cli.signal))) return undefined;
  const key = keyOf(job.folder === '' ? found.name : `${job.folder}/${found.name}`);
  await using file = await openRegularFile(found.path, job.call.cli.signal);
  if (file.size <= SMALL_BYTES) return await importFile(job, found, key, file);
  return await job.large(() => importFile(job, found, key, file));
}

function keyOf(name: string): StoreKey {
  try {
    return parseStoreKey(name);
  } catch (error) {
    throw withAdvice(error, { INVALID_KEY: 'rename the file, or one of the folders that it is in' });
  }
}

async function importFile(job: Job, found: FoundRegularFile, key: StoreKey, file: OpenFile): Promise<ItemOutcome> {
  const { store, progress } = job;
  const { signal } = job.call.cli;
  const sidecar = found.sidecar === undefined ? undefined : await readSidecar(found.sidecar, signal);
  const data = await reader(file);
  const current = await currentOf(job, key);
  const identical = current?.size === file.size && (await store.matches(key, data(), { signal }));
  if (current !== undefined && identical && (sidecar === undefined || sameSidecar(sidecar, current))) {
    progress.add(file.size);
    return { status: 'unchanged', key };
  }
  const { metadata, expires } = sidecar ?? current ?? { metadata: {} };
  const stored = data();
  const info = await store.store(key, stored instanceof Uint8Array ? stored : progress.counted(stored), {
    metadata,
    ...(expires === undefined ? {} : { expires }),
    signal,
  });
  if (stored instanceof Uint8Array) progress.add(stored.byteLength);
  return { status: 'stored', key, version: info.version };
}

/** The data of a file, which can be had twice: to compare it and to store it. */
async function reader(file: OpenFile): Promise<() => Uint8Array | AsyncIterable<Uint8Array>> {
  if (file.size > SMALL_BYTES) return () => file.read();
  const bytes = await readBytes(file);
  return () => bytes;
}

async function currentOf({ store, call }: Job, key: StoreKey): Promise<ObjectInfo | undefined> {
  try {
    return await store.info(key, { signal: call.cli.signal });
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** JSON with the names of every object in one order, to compare metadata that were written by different hands. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function sameSidecar(sidecar: Sidecar, current: ObjectInfo): boolean {
  return (
    sidecar.expires?.getTime() === current.expires?.getTime() &&
    canonical(sidecar.metadata) === canonical(current.metadata)
  );
}

async function readSidecar(path: string, signal: AbortSignal): Promise<Sidecar | undefined> {
  await using file = await openRegularFile(path, signal);
  if (file.size > MAX_SIDECAR_BYTES) return undefined;
  return parseSidecar(new TextDecoder().decode(await readBytes(file)));
}

async function isSidecar(path: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await readSidecar(path, signal)) !== undefined;
  } catch {
    // A sidecar that is wrong is reported with the file that it belongs to.
    return true;
  }
}
