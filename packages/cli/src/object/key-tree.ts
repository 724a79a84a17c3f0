import type { ObjectInfo } from 'securestore';
import type { Call } from '../call/call.ts';
import { count, cutTo, formatBytes, formatTable, widthOf } from '../terminal/terminal-text.ts';

/** A folder of keys, with what is below it. */
export interface KeyFolder {
  readonly folders: Map<string, KeyFolder>;
  /** The objects in it by the last part of their keys, with their sizes in bytes as far as they are known. */
  readonly objects: Map<string, { readonly key: string; readonly size: number | undefined }>;
  /** Of all that is below it. */
  count: number;
  bytes: number;
}

function emptyFolder(): KeyFolder {
  return { folders: new Map(), objects: new Map(), count: 0, bytes: 0 };
}

/** The folders that keys make. */
export function foldersOf(keys: readonly string[], infos: ReadonlyMap<string, Pick<ObjectInfo, 'size'>>): KeyFolder {
  const root = emptyFolder();
  for (const key of keys) {
    const size = infos.get(key)?.size;
    const parts = key.split('/');
    const last = parts.pop() ?? key;
    let folder = root;
    for (const part of ['', ...parts]) {
      if (part !== '') {
        const next = folder.folders.get(part) ?? emptyFolder();
        folder.folders.set(part, next);
        folder = next;
      }
      folder.count += 1;
      folder.bytes += size ?? 0;
    }
    folder.objects.set(last, { key, size });
  }
  return root;
}

const COLUMNS = [{ title: 'OBJECTS', align: 'right' }, { title: 'SIZE', align: 'right' }, { title: 'KEY' }] as const;

/** How a level of the tree is drawn: before an entry, before the last one, and before what is below either. */
interface Branches {
  readonly entry: string;
  readonly last: string;
  readonly below: string;
  readonly belowLast: string;
}

const DRAWN: Branches = { entry: '├── ', last: '└── ', below: '│   ', belowLast: '    ' };
const PLAIN: Branches = { entry: '  ', last: '  ', below: '  ', belowLast: '  ' };

type Row = readonly [objects: string, size: string, name: string];

function* rowsOf(
  { folders, objects }: KeyFolder,
  branches: Branches,
  shown: (name: string) => string,
  indent: string | undefined,
): Generator<Row> {
  // A folder and an object may have one name; each is listed.
  const names = [...new Set([...objects.keys(), ...folders.keys()])].toSorted((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const entries = names.flatMap((name) => [
    ...(objects.has(name) ? [{ name, object: objects.get(name) }] : []),
    ...(folders.has(name) ? [{ name, folder: folders.get(name) }] : []),
  ]);
  for (const [at, entry] of entries.entries()) {
    const isLast = at === entries.length - 1;
    // What is at the top has no branch.
    const before = indent === undefined ? '' : `${indent}${isLast ? branches.last : branches.entry}`;
    const below = indent === undefined ? '' : `${indent}${isLast ? branches.belowLast : branches.below}`;
    if ('object' in entry) {
      const { size } = entry.object ?? {};
      yield ['', size === undefined ? '' : formatBytes(size), `${before}${shown(entry.name)}`];
    } else if (entry.folder !== undefined) {
      const { folder } = entry;
      yield [String(folder.count), formatBytes(folder.bytes), `${before}${shown(entry.name)}/`];
      yield* rowsOf(folder, branches, shown, below);
    }
  }
}

/** The lines of a tree: with box characters if `drawn`, and otherwise indented by two spaces a level. */
function treeLines(root: KeyFolder, drawn: boolean, shown: (name: string) => string): string[] {
  return formatTable(
    COLUMNS,
    [...rowsOf(root, drawn ? DRAWN : PLAIN, shown, undefined)].map((row) => [...row]),
  );
}

/** Folders and objects as records, each folder before what is in it. */
function* treeRecords({ folders, objects }: KeyFolder, path = ''): Generator<object> {
  for (const { key, size } of objects.values()) yield { key, size };
  for (const [name, folder] of folders) {
    yield { folder: `${path}${name}/`, objects: folder.count, bytes: folder.bytes };
    yield* treeRecords(folder, `${path}${name}/`);
  }
}

/** Prints the tree of some keys. */
export async function printTree({ cli, out }: Call, root: KeyFolder): Promise<void> {
  if (out.json) {
    for (const record of treeRecords(root)) await out.result(record, () => []);
    return;
  }
  const isTerminal = cli.stdout.isTTY === true;
  const width = widthOf(cli.stdout);
  const lines = treeLines(root, isTerminal, out.name);
  await out.result({}, () => lines.map((line) => (isTerminal ? cutTo(width, line) : line)));
}

/** The last line of a list: how many there are. */
export function totalText({ count: objects, bytes }: KeyFolder): string {
  return `${count(objects, 'key')}, ${formatBytes(bytes)}`;
}
