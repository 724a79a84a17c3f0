import { LINE_START } from './line.ts';

/** The longest line that is read, in bytes; the longest one that is written has a third of it. */
const MAX_LINE = 64 * 1024;
const LINE_END = 0x0a;

/** The lines of a log, from chunks of its bytes as a file or a stream gives them. A line that is too long is cut. */
export async function* auditLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let held: Uint8Array[] = [];
  let length = 0;
  const keep = (part: Uint8Array): void => {
    if (length < MAX_LINE) held.push(part.subarray(0, MAX_LINE - length));
    length += part.length;
  };
  const take = (): string => {
    const line = Buffer.concat(held).toString('utf8');
    held = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    // A copy, since whoever gives chunks may use their memory again.
    if (start < chunk.length) keep(Uint8Array.from(chunk.subarray(start)));
  }
  if (length > 0) yield take();
}

/**
 * What a line is made of. Where a process was killed within a line, the next line of another one follows it without an end
 * between them.
 */
export function piecesOf(line: string): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < line.length;) {
    const found = line.indexOf(LINE_START, start + 1);
    const end = found < 0 ? line.length : found;
    pieces.push(line.slice(start, end));
    start = end;
  }
  return pieces;
}
