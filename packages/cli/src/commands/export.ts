import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import { type ItemOutcome, runBatch } from '../batch.ts';
import type { Call, ExitCode } from '../call.ts';
import { type ExportFolder, openExportFolder } from '../export-folder.ts';
import { nameObjections } from '../export-names.ts';
import { isNotGranted } from '../not-granted.ts';
import { withStore } from '../open.ts';
import { ownFiles } from '../own-files.ts';
import { parseFolder } from '../parse-values.ts';
import type { Progress } from '../progress.ts';
import { openRegularFile, readBytes } from '../regular-file.ts';
import { type NamedObject, objectsBelow } from '../relative-name.ts';
import { formatSidecar, SIDECAR_SUFFIX, type Sidecar } from '../sidecar.ts';

export interface ExportOptions {
  readonly prefix?: string;
  readonly metadata?: boolean;
}

const CONCURRENCY = 8;

/** What an export reads from. */
type ReadableStore = Pick<SecureStore, 'location' | 'keys' | 'list' | 'info' | 'matches' | 'retrieveStream'>;

interface Job {
  readonly call: Call<ExportOptions>;
  readonly store: ReadableStore;
  readonly folder: ExportFolder;
  readonly objection: (object: NamedObject) => string | undefined;
}

/** `securestore export`. */
export async function exportFolder(call: Call<ExportOptions>, directory: string): Promise<ExitCode> {
  const { options } = call;
  const below = parseFolder(options.prefix);
  return await withStore(call, (store) => exportFrom(call, store, below, directory));
}

/** Writes the objects of a store, or of a snapshot of one, below a folder. @param below the folder in the store, or '' */
export async function exportFrom(
  call: Call<ExportOptions>,
  store: ReadableStore,
  below: string,
  directory: string,
): Promise<ExitCode> {
  const { cli, options } = call;
  const objects = await objectsBelow(store, below, cli.signal);
  const isOwn = await ownFiles(store.location);
  await using folder = await openExportFolder(directory, { platform: cli.platform, random: cli.random, isOwn });
  const { caseInsensitive } = folder;
  const sidecars = options.metadata === true;
  const objection = nameObjections(objects, { platform: cli.platform, caseInsensitive, sidecars });
  return await runBatch(call, {
    verb: 'exported',
    items: objects,
    concurrency: CONCURRENCY,
    nameOf: ({ name }) => name,
    work: (object, progress) => exportObject({ call, store, folder, objection }, object, progress),
  });
}

async function exportObject(job: Job, object: NamedObject, progress: Progress): Promise<ItemOutcome> {
  const { key } = object;
  const objection = job.objection(object);
  if (objection !== undefined) throw new SecureStoreError('ALREADY_EXISTS', objection, { key });
  try {
    return await writeObject(job, object, progress);
  } catch (error) {
    // Deleted or expired since the names were listed.
    if (SecureStoreError.is(error, 'NOT_FOUND')) return { status: 'skipped', reason: 'it is gone', key };
    if (isNotGranted(error)) return { status: 'skipped', reason: 'its category was not granted to you', key };
    throw error;
  }
}

async function writeObject(job: Job, { key, name }: NamedObject, progress: Progress): Promise<ItemOutcome> {
  const { store, folder, call } = job;
  const { signal } = call.cli;
  await using place = await folder.place(name);
  let unchanged = false;
  let info = place.size === undefined ? undefined : await store.info(key, { signal });
  if (info !== undefined && place.size === info.size && (await holds(store, key, place.path, signal))) {
    unchanged = true;
    await place.keep();
    progress.add(place.size);
  } else {
    const found = await store.retrieveStream(key, { signal });
    info = found.info;
    await place.write(progress.counted(found.stream));
  }
  if (call.options.metadata === true) {
    const kept = await writeSidecar(folder, `${name}${SIDECAR_SUFFIX}`, info, signal);
    unchanged &&= kept;
  }
  return { status: unchanged ? 'unchanged' : 'written', key, version: info.version };
}

/** Whether the file at `path` holds what the object holds. */
async function holds(store: ReadableStore, key: string, path: string, signal: AbortSignal): Promise<boolean> {
  await using file = await openRegularFile(path, signal);
  return await store.matches(key, file.read(), { signal });
}

/** Writes a sidecar; whether it was there already. */
async function writeSidecar(
  folder: ExportFolder,
  name: string,
  sidecar: Sidecar,
  signal: AbortSignal,
): Promise<boolean> {
  const text = Buffer.from(formatSidecar(sidecar));
  await using place = await folder.place(name);
  if (place.size === text.length) {
    await using file = await openRegularFile(place.path, signal);
    if (text.equals(await readBytes(file))) {
      await place.keep();
      return true;
    }
  }
  await place.write(
    (async function* whole() {
      yield text;
    })(),
  );
  return false;
}
