import { randomBytes } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import { envAssignment } from './env-text.ts';
import { unlessPassedOver } from './export-folder-work.ts';
import { memberObjections, type Objection } from './export-names.ts';
import { type FileFormat, MAX_FILE_BYTES, tooLarge } from './file-format.ts';
import { jsonLines } from './json-text.ts';
import { type NamedObject, objectsBelow } from './objects-below.ts';
import { ownFiles } from './own-files.ts';
import { openTargetFile, type Place, writeUnlessThere } from './target-folder.ts';
import { type ItemOutcome, type Transfer, transferItems } from './transfer.ts';
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
  /** The members to write, by the name of the object. */
  readonly members: Map<string, Member>;
}

/** Writes objects into one file. */
export async function writeFile(
  store: ExportSource,
  path: string,
  format: FileFormat,
  below: string,
  transfer: Transfer,
): Promise<ExportReport> {
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
