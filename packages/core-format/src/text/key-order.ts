const SURROGATES = /[\ud800-\udfff]/;

/** Compares keys by their UTF-8 bytes, as they are in order everywhere. */
export function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  // Only where there are surrogates the order of UTF-16 is another one.
  if (SURROGATES.test(a) || SURROGATES.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}
