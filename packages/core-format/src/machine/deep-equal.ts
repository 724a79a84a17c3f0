/**
 * `isDeepStrictEqual` of `node:util`. Importing that module also loads those of worker threads and of signals, which takes two to three
 * milliseconds of a program's start.
 */
export function isDeepStrictEqual(a: unknown, b: unknown): boolean {
  return process.getBuiltinModule('node:util').isDeepStrictEqual(a, b);
}
