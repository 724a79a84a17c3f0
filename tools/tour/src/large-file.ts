const BLOCK = 2 ** 16;
const NUMBER_BYTES = 8;

/** A file in which every eight bytes say where they stand, made as it is read: nothing of it is kept. */
export async function* largeFile(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes; start += BLOCK) yield largeFileRange(start, Math.min(start + BLOCK, bytes));
}

/** The bytes of that file from `start` to `end`, both multiples of eight. */
export function largeFileRange(start: number, end: number): Buffer {
  const view = Buffer.alloc(end - start);
  for (let at = 0; at < view.length; at += NUMBER_BYTES) view.writeBigUInt64BE(BigInt(start + at), at);
  return view;
}
