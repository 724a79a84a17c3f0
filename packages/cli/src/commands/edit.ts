import { isUtf8 } from 'node:buffer';
import { tmpdir } from 'node:os';
import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { ObjectInfo, SecureStore, StoreOptions } from 'securestore';
import type { Call } from '../call/call.ts';
import { askAboutText } from '../object/edit-choice.ts';
import { EditFile, MAX_TEXT_BYTES, memoryFolder, tooLong } from '../object/edit-file.ts';
import { Editing, editorOf } from '../object/editor.ts';
import { formatSize, infoRecord } from '../object/object-text.ts';
import { withNearKeys } from '../object/near-keys.ts';
import { withStore } from '../store/open.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { printable } from '../terminal/terminal-text.ts';

export interface EditOptions {
  readonly allowDisk?: boolean;
}

const NEWLINE = 0x0a;

/** `securestore edit`. @throws `CONFLICT` if the object was changed meanwhile, and there is no terminal to ask on */
export async function edit(call: Call<EditOptions>, key: string): Promise<void> {
  parseStoreKey(key);
  const editor = editorOf(call.cli);
  const place = await placeOf(call);
  await withStore(call, async (store) => {
    const { info, text } = await withNearKeys(call, store, key, () => readText(store, key, call.cli.signal));
    try {
      await editText(call, store, { editor, ...place, info, text });
    } finally {
      text.fill(0);
    }
  });
}

/** Where the text is while it is edited. */
interface Place {
  readonly parent: string;
  readonly isInMemory: boolean;
}

async function placeOf({ cli, options }: Call<EditOptions>): Promise<Place> {
  const folder = await memoryFolder(cli);
  if (folder !== undefined) return { parent: folder, isInMemory: true };
  if (options.allowDisk === true) return { parent: cli.env['TMPDIR'] ?? tmpdir(), isInMemory: false };
  throw new SecureStoreError(
    'UNSUPPORTED',
    'no file system in memory was found for the text; --allow-disk lets it be on a disk',
  );
}

function noText(key: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', 'only UTF-8 text can be edited', { key });
}

interface Read {
  readonly info: ObjectInfo;
  readonly text: Buffer;
}

/** @throws `TOO_LARGE`, `INVALID_ARGUMENT` for what is no text */
async function readText(store: SecureStore, key: string, signal: AbortSignal): Promise<Read> {
  const { info, stream } = await store.retrieveStream(key, { signal });
  if (info.size > MAX_TEXT_BYTES) {
    await stream.cancel();
    throw SecureStoreError.from(tooLong(info.size), { key });
  }
  const text = Buffer.alloc(info.size);
  let filled = 0;
  for await (const chunk of stream) {
    text.set(chunk, filled);
    filled += chunk.byteLength;
    chunk.fill(0);
  }
  if (isUtf8(text)) return { info, text };
  text.fill(0);
  throw noText(key);
}

interface Edit extends Read, Place {
  readonly editor: string;
}

/** The ending of the name of a file that editors know a kind of text by. */
function endingOf(key: string): string {
  return /\.[a-z0-9]{1,10}$/i.exec(key)?.[0] ?? '';
}

/** Editors end the last line; a password that had no end of line must not get one. */
function asItEnded(before: Buffer, edited: Buffer): Buffer {
  const isAdded = before.at(-1) !== NEWLINE && edited.at(-1) === NEWLINE;
  return isAdded ? edited.subarray(0, -1) : edited;
}

/** Where an edited text goes, and on which condition. */
interface Target {
  readonly key: string;
  readonly with: StoreOptions;
}

function keeping({ metadata, expires }: ObjectInfo, condition: StoreOptions): StoreOptions {
  return { metadata, ...(expires === undefined ? {} : { expires }), ...condition };
}

async function editText(call: Call<EditOptions>, store: SecureStore, { editor, parent, isInMemory, info, text }: Edit) {
  const { cli } = call;
  const { key } = info;
  let file: EditFile | undefined;
  using editing = new Editing(cli, () => file?.[Symbol.dispose]());
  using made = new EditFile(parent, endingOf(key));
  file = made;
  made.write(text);
  const { signal } = editing;
  let target: Target = { key, with: keeping(info, { ifVersion: info.version }) };
  let edits = true;
  while (true) {
    if (edits) await editing.run(editor, made.path, isInMemory ? made.folder : undefined);
    try {
      return await storeText(call, store, target, text, asItEnded(text, await made.read()), signal);
    } catch (error) {
      if (!SecureStoreError.is(error) || error.code === 'ABORTED' || signal.aborted) throw error;
      const choice = await askAboutText(call, target.key, error, signal);
      if (choice.kind === 'discard') {
        throw new SecureStoreError('ABORTED', 'your text was discarded. Nothing was changed.');
      }
      edits = choice.kind === 'edit';
      if (choice.kind === 'overwrite') target = await onTop(store, target, info, signal);
      if (choice.kind === 'elsewhere') target = { key: choice.key, with: keeping(info, { ifAbsent: true }) };
    }
  }
}

/** As `target`, on what is there now: its metadata and expiry are kept. */
async function onTop(store: SecureStore, target: Target, info: ObjectInfo, signal: AbortSignal): Promise<Target> {
  try {
    const now = await store.info(target.key, { signal });
    return { ...target, with: keeping(now, { ifVersion: now.version }) };
  } catch {
    // It is gone, or cannot be read: storing says which.
    return { ...target, with: keeping(info, { ifAbsent: true }) };
  }
}

async function storeText(
  { cli, out, options }: Call<EditOptions>,
  store: SecureStore,
  { key, with: storedWith }: Target,
  before: Buffer,
  edited: Buffer,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (edited.equals(before)) {
      return await out.result({ key, changed: false }, () => `${printable(key)} is unchanged`);
    }
    if (!isUtf8(edited)) throw noText(key);
    if (edited.length === 0) {
      await confirmDestruction(
        cli,
        options.yes,
        `The text is empty. Store ${printable(key)} empty?`,
        'the text is empty',
      );
    }
    const info = await store.store(key, edited, { ...storedWith, signal });
    await out.result({ ...infoRecord(info), changed: true }, () => {
      return `stored ${printable(key)}, ${formatSize(info.size)}, version ${info.version}`;
    });
  } finally {
    edited.fill(0);
  }
}
