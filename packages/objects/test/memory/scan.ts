import type { FileHandle } from 'node:fs/promises';
import { open, readFile } from 'node:fs/promises';

/** Something that is looked for in the memory of a process. */
export interface Needle {
  readonly what: string;
  /** At least {@link WINDOW} bytes. */
  readonly bytes: Buffer;
}

/** A part of a needle, and where in memory it was found. */
export interface Sighting {
  readonly what: string;
  /** Of the piece that was found, in the needle. */
  readonly offset: number;
  readonly address: string;
  /** The mapping, such as `[heap]`. */
  readonly mapping: string;
}

/**
 * Any so many bytes of a needle count, at every eighth offset: freed memory loses its first 16 bytes to the allocator, and what
 * is left of a key of 32 bytes is as bad as all of it.
 */
const WINDOW = 16;
const STEP = 8;
/** As many bytes of memory are compared at first. */
const WORD = 4;
const BLOCK: number = 4 * 1024 * 1024;
const PAGE = 4096;
const ZEROS: Buffer = Buffer.alloc(PAGE);

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** All memory that the process may have written to. */
async function mappingsOf(pid: number): Promise<Mapping[]> {
  const text = await readFile(`/proc/${pid}/maps`, 'utf8');
  return text.split('\n').flatMap((line) => {
    const [range = '', access = '', , , inode = '', ...path] = line.split(/\s+/);
    const [start, end] = range.split('-').map((address) => Number.parseInt(address, 16));
    const name = path.join(' ');
    const isPrivateToKernel = name === '[vvar]' || name === '[vsyscall]' || name === '[vvar_vclock]';
    if (start === undefined || end === undefined || !access.startsWith('r') || isPrivateToKernel) return [];
    // A file that is mapped to be read holds what it holds on the disk.
    return access.includes('w') || inode === '0' ? [{ start, end, name }] : [];
  });
}

const isUntouched = (memory: Buffer, at: number): boolean =>
  at + PAGE <= memory.length && memory.compare(ZEROS, 0, PAGE, at, at + PAGE) === 0;

/** A piece of a needle that is looked for by a word in it. */
interface Piece {
  readonly what: string;
  readonly offset: number;
  readonly bytes: Buffer;
  /** Of the word, in the piece. */
  readonly skew: number;
}

/**
 * The pieces of needles by the words in them that may lie at an eighth address, one of which does wherever a piece lies; and a table of
 * the first two bytes of words, by which nearly all memory is passed over.
 */
export class Pieces {
  readonly #table = new Uint8Array(65_536);
  readonly #byWord = new Map<number, Piece[]>();

  constructor(needles: readonly Needle[]) {
    for (const { what, bytes } of needles) {
      for (let offset = 0; offset + WINDOW <= bytes.length; offset += STEP) {
        const piece = bytes.subarray(offset, offset + WINDOW);
        for (let skew = 0; skew < STEP; skew++) this.#add({ what, offset, bytes: piece, skew });
      }
    }
  }

  #add(piece: Piece): void {
    this.#table[piece.bytes.readUInt16LE(piece.skew)] = 1;
    const word = piece.bytes.readUInt32LE(piece.skew);
    const others = this.#byWord.get(word);
    if (others === undefined) this.#byWord.set(word, [piece]);
    else others.push(piece);
  }

  /** @param memory begins at a multiple of {@link STEP} in the memory of the process */
  *in(memory: Buffer): Generator<{ what: string; offset: number; at: number }> {
    const table = this.#table;
    for (let at = 0; at + WORD <= memory.length; at += STEP) {
      if (table[(memory[at] ?? 0) | ((memory[at + 1] ?? 0) << 8)] !== 0) yield* this.#at(memory, at);
      // Most of what V8 reserves was never used.
      if (at % PAGE === 0 && isUntouched(memory, at)) at += PAGE - STEP;
    }
  }

  *#at(memory: Buffer, at: number): Generator<{ what: string; offset: number; at: number }> {
    for (const { what, offset, bytes, skew } of this.#byWord.get(memory.readUInt32LE(at)) ?? []) {
      const start = at - skew;
      const isInside = start >= 0 && start + WINDOW <= memory.length;
      if (isInside && memory.compare(bytes, 0, WINDOW, start, start + WINDOW) === 0) yield { what, offset, at: start };
    }
  }
}

/** What can be read of a mapping from `position`; 0 where nothing is behind it, as in memory that was only reserved. */
async function readSome(memory: FileHandle, block: Buffer, length: number, position: number): Promise<number> {
  try {
    return (await memory.read(block, 0, length, position)).bytesRead;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0;
    throw error;
  }
}

/** Looks for needles in all memory of a process, which must stand still meanwhile. */
export async function scan(pid: number, needles: readonly Needle[]): Promise<Sighting[]> {
  const pieces = new Pieces(needles);
  const found: Sighting[] = [];
  const block = Buffer.alloc(BLOCK);
  const memory = await open(`/proc/${pid}/mem`, 'r');
  try {
    for (const { start, end, name } of await mappingsOf(pid)) {
      for (let position = start; position < end;) {
        const read = await readSome(memory, block, Math.min(BLOCK, end - position), position);
        for (const { what, offset, at } of pieces.in(block.subarray(0, read))) {
          found.push({ what, offset, address: (position + at).toString(16), mapping: name });
        }
        if (read <= PAGE || position + read >= end) break;
        // What lies across two blocks is seen in the second, which begins at a page, too.
        position += read - PAGE;
      }
    }
  } finally {
    await memory.close();
  }
  return found;
}

/** Why the memory of a process can't be read here; `undefined` where it can. */
export async function reasonNotToScan(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'there is no /proc/<pid>/mem on this system';
  try {
    await scan(pid, []);
    return undefined;
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return `the memory of a child process can't be read here (${code}): kernel.yama.ptrace_scope, or a container, forbids it`;
  }
}
