/** Bodies are kept in pieces of this size, so that a range brings no more than it touches. */
const PIECE_BYTES = 65_536;
/** What fits into a document of 16 MiB beside the other fields. */
export const MAX_BODY_BYTES: number = 255 * PIECE_BYTES;

/** The pieces of a copy of `body`: the caller may change it as soon as the call has ended, while it is still sent. */
export function piecesOf(body: Uint8Array): Uint8Array[] {
  const copy = Buffer.from(body);
  const count = Math.ceil(copy.byteLength / PIECE_BYTES);
  return Array.from({ length: count }, (_, index) => copy.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
}

/** The pieces that a range touches. */
export interface Span {
  readonly first: number;
  /** At least 1, since a server can't be asked for none. */
  readonly count: number;
}

/** The pieces of the bytes from `start` to before `end`. */
export function spanOf(start: number, end: number): Span {
  const first = Math.min(Math.floor(start / PIECE_BYTES), MAX_BODY_BYTES / PIECE_BYTES);
  const last = Math.ceil(Math.min(end, MAX_BODY_BYTES) / PIECE_BYTES);
  return { first, count: Math.max(last - first, 1) };
}

/** The bytes from `start` to before `end`, of the pieces from number `first` on; nothing where some are missing. */
export function joined(
  pieces: readonly Uint8Array[],
  { first, start, end }: { first: number; start: number; end: number },
): Uint8Array | undefined {
  const length = Math.max(end - start, 0);
  // Memory of its own, which the caller may do with as it likes.
  const body = new Uint8Array(length);
  let at = first * PIECE_BYTES - start;
  for (const piece of pieces) {
    const from = Math.max(-at, 0);
    const to = Math.min(piece.byteLength, length - at);
    if (to > from) body.set(piece.subarray(from, to), at + from);
    at += piece.byteLength;
  }
  return at >= length ? body : undefined;
}
