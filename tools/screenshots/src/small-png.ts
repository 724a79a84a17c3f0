import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE: Buffer = Buffer.from('89504e470d0a1a0a', 'hex');
const COLOURS = 256;

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Three bytes each. */
  readonly rgb: Buffer;
}

function chunksOf(png: Buffer): Map<string, Buffer> {
  const chunks = new Map<string, Buffer>();
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    chunks.set(type, Buffer.concat([chunks.get(type) ?? Buffer.alloc(0), body]));
    at += length + 12;
  }
  return chunks;
}

function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - above), Math.abs(estimate - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/** Undoes the filter of a line, in place. */
function unfilter(filter: number, line: Buffer, above: Buffer, size: number): void {
  for (let at = 0; at < line.length; at++) {
    const left = at < size ? 0 : (line[at - size] ?? 0);
    const up = above[at] ?? 0;
    const corner = at < size ? 0 : (above[at - size] ?? 0);
    const added = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
    line[at] = ((line[at] ?? 0) + added) & 0xff;
  }
}

/** The pixels of a PNG as browsers write them: eight bits a channel, not interlaced. */
function pixelsIn(png: Buffer): Pixels {
  const chunks = chunksOf(png);
  const header = chunks.get('IHDR');
  if (header === undefined || header[8] !== 8) throw new Error('this is no PNG of eight bits a channel');
  const [width, height, size] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3];
  const raw = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  const rgb = Buffer.alloc(width * height * 3);
  let above: Buffer = Buffer.alloc(width * size);
  for (let y = 0; y < height; y++) {
    const begin = y * (width * size + 1);
    const line = raw.subarray(begin + 1, begin + 1 + width * size);
    unfilter(raw[begin] ?? 0, line, above, size);
    for (let x = 0; x < width; x++) line.copy(rgb, (y * width + x) * 3, x * size, x * size + 3);
    above = line;
  }
  return { width, height, rgb };
}

/** The most frequent colours, near ones taken for one. */
function paletteOf(counts: ReadonlyMap<number, number>): number[] {
  const near = new Map<number, { colour: number; count: number; best: number }>();
  for (const [colour, count] of counts) {
    // Where all fit they stay what they are.
    const bucket = counts.size <= COLOURS ? colour : colour & 0xf8f8f8;
    const known = near.get(bucket) ?? { colour, count: 0, best: 0 };
    near.set(bucket, {
      colour: count > known.best ? colour : known.colour,
      count: known.count + count,
      best: Math.max(known.best, count),
    });
  }
  return [...near.values()]
    .toSorted((one, other) => other.count - one.count)
    .slice(0, COLOURS)
    .map(({ colour }) => colour);
}

const distance = (one: number, other: number): number =>
  [16, 8, 0].reduce((sum, shift) => sum + (((one >> shift) & 0xff) - ((other >> shift) & 0xff)) ** 2, 0);

function chunk(type: string, body: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}

/** A screenshot with a palette: a third of the size, and nobody sees it. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, rgb } = pixelsIn(png);
  const counts = new Map<number, number>();
  for (let at = 0; at < rgb.length; at += 3) {
    const colour = rgb.readUIntBE(at, 3);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = paletteOf(counts);
  const indexes = new Map(palette.map((colour, index) => [colour, index]));
  const indexOf = (colour: number): number => {
    const known = indexes.get(colour);
    if (known !== undefined) return known;
    let best = 0;
    palette.forEach((one, index) => {
      if (distance(one, colour) < distance(palette[best] ?? 0, colour)) best = index;
    });
    indexes.set(colour, best);
    return best;
  };
  const lines = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) lines[y * (width + 1) + 1 + x] = indexOf(rgb.readUIntBE((y * width + x) * 3, 3));
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 0xff, colour & 0xff]));
  const parts = [
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([SIGNATURE, ...parts]);
}
