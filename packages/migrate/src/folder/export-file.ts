import { randomBytes } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import { envAssignment } from './env-text.ts';
import { unlessPassedOver } from './export-folder.ts';
import { memberObjections, type Objection } from './export-names.ts';
import { type FileFormat, type FileTransferOptions, formatOf, MAX_FILE_BYTES, tooLarge } from './file-format.ts';
import { jsonLines } from './json-text.ts';
import { type NamedObject, objectsBelow } from './objects-below.ts';
import { checkPath, checkTransferOptions, folderOf } from './options.ts';
import { ownFiles } from './own-files.ts';
import { openTargetFile, type Place, writeUnlessThere } from './target-folder.ts';
import { type ItemOutcome, startTransfer, type Transfer, transferItems } from './transfer.ts';
import type { ExportReport, ExportSource } from './types.ts';

const CONCURRENCY = 8;

/** An object as it is in the file. */
interface Member {
  readonly version: string;
  /** Its assignment, or the JSON of its text. */
  readonly text: string;
}

interface FileExport {
  readonly store: ExportSource;
  readonly transfer: Transfer;
  readonly format: FileFormat;
  readonly objection: Objection;
  /** What is to be written, by the name of the object. */
  readonly members: Map<string, Member>;
}

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
    const { platform } = process;
    const isOwn = await ownFiles(store.url);
    await using place = await openTargetFile(path, { platform, random: randomBytes, isOwn });
    transfer.progress({ phase: 'listing' });
    const objects = await objectsBelow(store, below, transfer.signal);
    transfer.progress({ phase: 'exporting', total: objects.length });
    const objection = memberObjections(objects, format === 'json');
    const work: FileExport = { store, transfer, format, objection, members: new Map() };
    await readMembers(work, objects);
    await writeMembers(work, objects, place);
    return transfer.exported();
  });
}

/** @throws SecureStoreError `TOO_LARGE` if they are more than a file can have; errors that concern all objects */
async function readMembers(work: FileExport, objects: readonly NamedObject[]): Promise<void> {
  const { members, transfer, objection } = work;
  let size = 0;
  // So that what is held in memory is bounded, however much there is in the store.
  const whileThereIsRoom = function* (): Generator<NamedObject> {
    for (const object of objects) {
      checkSize(size);
      yield object;
    }
  };
  await transferItems(transfer, {
    items: whileThereIsRoom(),
    concurrency: CONCURRENCY,
    nameOf: ({ name }) => name,
    work: async (object) => {
      const { key } = object;
      const reason = objection(object);
      if (reason !== undefined) throw new SecureStoreError('ALREADY_EXISTS', reason, { key });
      const member = await unlessPassedOver(key, () => readMember(work, object));
      if ('status' in member) return member;
      size += Buffer.byteLength(member.text);
      members.set(key, member);
      // It is noted when the file is written.
      return undefined;
    },
  });
}

function checkSize(size: number): void {
  if (size > MAX_FILE_BYTES) throw tooLarge('the file', { id: 'narrow-prefix' }, { id: 'export-to-folder' });
}

async function readMember({ store, transfer, format }: FileExport, { key, name }: NamedObject): Promise<Member> {
  const { stream, info } = await store.retrieveStream(key, { signal: transfer.signal });
  if (info.size > MAX_FILE_BYTES) {
    await stream.cancel();
    throw tooLarge('the object', { id: 'export-to-folder' });
  }
  const data = Buffer.concat(await Array.fromAsync(transfer.counted(stream)));
  const value = textOf(data);
  return { version: info.version, text: format === 'env' ? envAssignment(name, value) : JSON.stringify(value) };
}

function textOf(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the data are not UTF-8', { advice: [{ id: 'export-to-folder' }] });
  }
}

function* linesOf(format: FileFormat, named: readonly (readonly [name: string, text: string])[]): Generator<string> {
  if (format === 'json') yield* jsonLines(named);
  else for (const [, assignment] of named) yield `${assignment}\n`;
}

async function writeMembers(
  { transfer, format, members }: FileExport,
  objects: readonly NamedObject[],
  place: Place,
): Promise<void> {
  const done = objects.flatMap(({ key, name }) => {
    const member = members.get(key);
    return member === undefined ? [] : [{ key, name, ...member }];
  });
  if (done.length === 0) return;
  const lines: string[] = [];
  let size = 0;
  const named = done.map(({ name, text }) => [name, text] as const);
  for (const line of linesOf(format, named)) {
    size += Buffer.byteLength(line);
    checkSize(size);
    lines.push(line);
  }
  const unchanged = await writeUnlessThere(place, Buffer.from(lines.join('')), transfer.signal);
  for (const { key, name, version } of done) {
    const outcome: ItemOutcome = { status: unchanged ? 'unchanged' : 'written', key, version };
    await transfer.note(name, outcome);
  }
}
