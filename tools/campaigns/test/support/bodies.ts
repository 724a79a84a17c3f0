/** How often a file is replaced. */
export const VERSIONS = 6;

/** What a file holds that was replaced so often before: more than a block. */
export function bodyOf(version: number): Buffer {
  return Buffer.alloc(9000 + version, `${version}`);
}

/** Programs that lose nothing. */
export const SOUND = ['a folder', 'a database'] as const;

/** The mistakes of programs that lose or tear what they have acknowledged. */
export const FAULTS = [
  'contents not flushed',
  'folder not flushed',
  'folder above not flushed',
  'acknowledged too early',
  'written in place',
  'database not flushed',
] as const;

/** What a program is. */
export type Kind = (typeof SOUND)[number] | (typeof FAULTS)[number];
