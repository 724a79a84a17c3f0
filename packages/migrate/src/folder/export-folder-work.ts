import { randomBytes } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { RetrievedStream } from '@securestore/objects';
import { compared } from './compared.ts';
import { nameObjections } from './export-names.ts';
import { isNotGranted } from './not-granted.ts';
import { type NamedObject, objectsBelow } from './objects-below.ts';
import { ownFiles } from './own-files.ts';
import { openRegularFile } from './regular-file.ts';
import { formatSidecar, SIDECAR_SUFFIX, type Sidecar } from './sidecar.ts';
import { openTargetFolder, type Place, type TargetFolder, writeUnlessThere } from './target-folder.ts';
import { type ItemOutcome, type Transfer, transferItems } from './transfer.ts';
import type { ExportReport, ExportSource } from './types.ts';

const CONCURRENCY = 8;

interface FolderExport {
  readonly store: ExportSource;
  readonly transfer: Transfer;
  readonly folder: TargetFolder;
  readonly sidecars: boolean;
}

/** Writes objects as files below a folder. */
export async function writeFolder(
  store: ExportSource,
  directory: string,
  below: string,
  sidecars: boolean,
  transfer: Transfer,
): Promise<ExportReport> {
  const { platform } = process;
  transfer.progress({ phase: 'listing' });
  const objects = await objectsBelow(store, below, transfer.signal);
  const isOwn = await ownFiles(store.url);
  await using folder = await openTargetFolder(directory, { platform, random: randomBytes, isOwn });
  const { caseInsensitive } = folder;
  const objection = nameObjections(objects, { platform, caseInsensitive, sidecars });
  transfer.progress({ phase: 'exporting', total: objects.length });
  await transferItems(transfer, {
    items: objects,
    concurrency: CONCURRENCY,
    nameOf: ({ name }) => name,
    work: async (object) => {
      const { key } = object;
      const reason = objection(object);
      if (reason !== undefined) throw new SecureStoreError('ALREADY_EXISTS', reason, { key });
      return await unlessPassedOver(key, () => writeObject({ store, transfer, folder, sidecars }, object));
    },
  });
  return transfer.exported();
}

/** The outcome of an object that may be gone, or that the caller may not read. */
export async function unlessPassedOver<T>(key: string, work: () => Promise<T>): Promise<T | ItemOutcome> {
  try {
    return await work();
  } catch (error) {
    // Deleted or expired since the names were listed.
    if (SecureStoreError.is(error, 'NOT_FOUND'))
      return { status: 'skipped', reason: 'it was deleted or has expired meanwhile', key };
    if (isNotGranted(error)) return { status: 'denied', key, error };
    throw error;
  }
}

async function writeObject(
  { store, transfer, folder, sidecars }: FolderExport,
  { key, name }: NamedObject,
): Promise<ItemOutcome> {
  const { signal, counted, addBytes } = transfer;
  await using place = await folder.place(name);
  let unchanged = false;
  let info = place.size === undefined ? undefined : await store.info?.(key, { signal });
  if (info !== undefined && place.size === info.size && (await holds(store, key, place.path, signal))) {
    unchanged = true;
    await place.keep();
    addBytes(place.size);
  } else {
    const found = await store.retrieveStream(key, { signal });
    info = found.info;
    unchanged = await writeCompared(store, place, found, { signal, counted });
  }
  if (sidecars) {
    const kept = await writeSidecar(folder, `${name}${SIDECAR_SUFFIX}`, info, signal);
    unchanged &&= kept;
  }
  return { status: unchanged ? 'unchanged' : 'written', key, version: info.version };
}

/** Writes what was read; whether the file held it already, as far as nothing else has told that it does not. */
async function writeCompared(
  { matches }: ExportSource,
  place: Place,
  { stream, info }: RetrievedStream,
  { signal, counted }: Pick<Transfer, 'signal' | 'counted'>,
): Promise<boolean> {
  if (matches !== undefined || place.size !== info.size) {
    await place.write(counted(stream));
    return false;
  }
  await using file = await openRegularFile(place.path, signal);
  const { data, isSame } = compared(counted(stream), file.read());
  await place.write(data);
  return isSame();
}

/** Whether the file at `path` holds what the object holds. */
async function holds(store: ExportSource, key: string, path: string, signal: AbortSignal): Promise<boolean> {
  await using file = await openRegularFile(path, signal);
  return (await store.matches?.(key, file.read(), { signal })) ?? false;
}

/** Writes a sidecar; whether it was there already. */
async function writeSidecar(
  folder: TargetFolder,
  name: string,
  sidecar: Sidecar,
  signal: AbortSignal,
): Promise<boolean> {
  await using place = await folder.place(name);
  return await writeUnlessThere(place, Buffer.from(formatSidecar(sidecar)), signal);
}
