/** The longest passphrase in bytes: far beyond what anyone types, far below what a wrong path would make us read. */
export const LONGEST_PASSPHRASE: number = 64 * 1024;

const [LINE_FEED, CARRIAGE_RETURN] = [0x0a, 0x0d];

/** `bytes` without one trailing line end, which editors and `echo` add. */
export function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== LINE_FEED) return bytes;
  return bytes.subarray(0, bytes.at(-2) === CARRIAGE_RETURN ? -2 : -1);
}
