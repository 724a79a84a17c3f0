import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, inflateRawSync } from 'node:zlib';

/** Long enough that nothing else has it by chance, short enough to be whole between two references of a compressor. */
const PIECE = 10;

const reversed = (text: Buffer): Buffer => Buffer.from(text).swap16();

/**
 * The forms in which a text may lie in a file: UTF-8, UTF-16 in both orders, base64 at each of its three offsets in both alphabets.
 * Of random letters pieces are looked for: what compresses by references alone (Snappy in LevelDB, LZ4) leaves those as they are.
 */
function formsOf(canary: string): Buffer[] {
  const pieces = [canary.slice(0, PIECE), canary.slice(-PIECE)];
  const wide = pieces.map((piece) => Buffer.from(piece, 'utf16le'));
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.from('\0'.repeat(offset) + canary).toString('base64');
    // Without the ends, which depend on what is beside it.
    return text.slice(4, -4);
  });
  const urls = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const plain = [...pieces, ...base64, ...urls].map((text) => Buffer.from(text));
  return [...plain, ...wide, ...wide.map(reversed)];
}

/** What begins a stream of deflate: the header of gzip without a name, those of zlib at each level; and how long it is. */
const HEADERS: readonly (readonly [hex: string, length: number])[] = [
  ['1f8b0800', 10],
  ['7801', 2],
  ['785e', 2],
  ['789c', 2],
  ['78da', 2],
];

/** What is packed within a file with gzip or zlib, as answers in a cache are. */
function unpacked(data: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (const [hex, length] of HEADERS) {
    for (let at = data.indexOf(hex, 0, 'hex'); at !== -1; at = data.indexOf(hex, at + 1, 'hex')) {
      try {
        // Its end need not be there, and something else may come after it.
        found.push(inflateRawSync(data.subarray(at + length), { finishFlush: constants.Z_SYNC_FLUSH }));
      } catch {
        // It only looked like the beginning of one.
      }
    }
  }
  return found;
}

/**
 * The files below `folder` in which one of the texts is found. Not found is what is encrypted, or compressed with an
 * entropy coder other than gzip and zlib (Brotli, Zstandard).
 */
export async function filesWith(folder: string, canaries: Readonly<Record<string, string>>): Promise<string[]> {
  const forms = Object.entries(canaries).map(([what, canary]) => ({ what, forms: formsOf(canary) }));
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const data = await readFile(path);
    for (const part of [data, Buffer.from(path), ...unpacked(data)]) {
      for (const { what, forms: wanted } of forms)
        if (wanted.some((form) => part.includes(form))) found.push(`${what} in ${path.slice(folder.length + 1)}`);
    }
  }
  return [...new Set(found)];
}
