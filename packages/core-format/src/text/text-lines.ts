const LINE_END = 0x0a;
const SPACES: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d]);

/** A view without white space around. */
export function trimmedText(line: Buffer): Buffer {
  let [start, end] = [0, line.length];
  while (start < end && SPACES.has(line.readUInt8(start))) start += 1;
  while (end > start && SPACES.has(line.readUInt8(end - 1))) end -= 1;
  return line.subarray(start, end);
}

/** The lines of a text without white space around them, as views: it may hold a secret, and is never made a string. */
export function* textLines(text: Buffer): Generator<Buffer> {
  for (let start = 0; start < text.length;) {
    const found = text.indexOf(LINE_END, start);
    const end = found < 0 ? text.length : found;
    yield trimmedText(text.subarray(start, end));
    start = end + 1;
  }
}
