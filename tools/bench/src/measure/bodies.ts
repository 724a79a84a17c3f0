import { randomBytes } from 'node:crypto';

/**
 * Bodies of 1 KiB, each time another one: SQLite skips the write, and with it the sync, where a row is replaced by
 * the same bytes. There are as many as a prime, so that going over the same names again meets other bodies.
 */
export function bodies(): () => Uint8Array {
  const all = Array.from({ length: 17 }, () => new Uint8Array(randomBytes(1024)));
  let next = 0;
  return () => all[next++ % all.length] ?? new Uint8Array(1024);
}
