/** A file. It grows by doubling, since databases write thousands of small pieces. */
class File {
  #bytes: Buffer;
  #length: number;
  /** When it was modified, in seconds since 1970. */
  time: number;

  constructor(bytes: Buffer, time: number) {
    this.#bytes = bytes;
    this.#length = bytes.length;
    this.time = time;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** @param filler what new bytes are */
  resize(length: number, filler = 0): void {
    if (length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.bytes], Math.max(length, 2 * this.#bytes.length));
    }
    if (length > this.#length) this.#bytes.fill(filler, this.#length, length);
    this.#length = length;
  }

  write(at: number, data: Uint8Array): void {
    if (at + data.length > this.#length) this.resize(at + data.length);
    this.#bytes.set(data, at);
  }
}

/** The entries of a folder: numbers of nodes by name. */
export type Folder = Map<string, number>;

/** Files and folders by numbers, which their names refer to. The root is 0. */
export class Disk {
  readonly #nodes: Map<number, File | Folder> = new Map([[0, new Map()]]);

  /** @returns the number of a new file, or of a new folder if it has no bytes */
  add(bytes: Buffer | undefined, time = 0): number {
    const number = this.#nodes.size;
    this.#nodes.set(number, bytes === undefined ? new Map() : new File(Buffer.from(bytes), time));
    return number;
  }

  folder(number: number): Folder {
    const node = this.#nodes.get(number);
    if (!(node instanceof Map)) throw new TypeError(`node ${number} is no folder`);
    return node;
  }

  file(number: number): File {
    const node = this.#nodes.get(number);
    if (!(node instanceof File)) throw new TypeError(`node ${number} is no file`);
    return node;
  }

  isFolder(number: number): boolean {
    return this.#nodes.get(number) instanceof Map;
  }

  copy(): Disk {
    const copy = new Disk();
    for (const [number, node] of this.#nodes) {
      copy.#nodes.set(number, node instanceof Map ? new Map(node) : new File(Buffer.from(node.bytes), node.time));
    }
    return copy;
  }

  /** The files by their paths, and the folders with a slash behind theirs. */
  paths(): Map<string, File | undefined> {
    const found = new Map<string, File | undefined>();
    const look = (number: number, path: string): void => {
      for (const [name, child] of this.folder(number)) {
        if (this.isFolder(child)) {
          found.set(`${path}${name}/`, undefined);
          look(child, `${path}${name}/`);
        } else found.set(`${path}${name}`, this.file(child));
      }
    };
    look(0, '');
    return found;
  }
}

/** What one call changes. */
export type Effect =
  | { readonly type: 'write'; readonly node: number; readonly at: number; readonly data: Uint8Array }
  | { readonly type: 'size'; readonly node: number; readonly size: number }
  | { readonly type: 'time'; readonly node: number; readonly time: number }
  /** A name of a folder refers to another node, or to none. */
  | { readonly type: 'name'; readonly folder: number; readonly name: string; readonly node: number | undefined };

/** One step of a process. */
export type Step = {
  /** For messages. */
  readonly text: string;
  /** By the lines of the trace. */
  readonly ended: number;
  /** In seconds since 1970. */
  readonly time: number;
} & (
  | {
      readonly type: 'change';
      readonly effects: readonly Effect[];
      /** The file or folder that is new, whether or not its name lasts. */
      readonly made?: 'file' | 'folder' | undefined;
    }
  | {
      readonly type: 'flush';
      readonly node: number;
      /** What ended before is durable. */
      readonly begun: number;
      /** Whether the time of modification is flushed too. */
      readonly all: boolean;
    }
  | { readonly type: 'said'; readonly line: string }
);

/** Does all of what an effect says. */
export function applyEffect(disk: Disk, effect: Effect, time: number): void {
  if (effect.type === 'name') {
    const { folder, name, node } = effect;
    if (node === undefined) disk.folder(folder).delete(name);
    else disk.folder(folder).set(name, node);
    return;
  }
  const file = disk.file(effect.node);
  file.time = effect.type === 'time' ? effect.time : time;
  if (effect.type === 'write') file.write(effect.at, effect.data);
  else if (effect.type === 'size') file.resize(effect.size);
}
