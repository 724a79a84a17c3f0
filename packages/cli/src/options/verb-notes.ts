import type { Command } from 'commander';

/** The part of the help of a command that follows its options. */
export interface VerbNotes {
  /** Paragraphs, wrapped to the terminal; lines that begin with spaces stay as they are. */
  readonly notes?: string | undefined;
  /** Lines for a POSIX shell. */
  readonly examples?: readonly string[] | undefined;
}

const NOTES = new WeakMap<Command, VerbNotes>();

/** Remembers what the help of a command says after its options. */
export function setNotes(command: Command, notes: VerbNotes): void {
  NOTES.set(command, notes);
}

/** The part of the help of a command that follows its options. */
export function notesOf(command: Command): VerbNotes {
  return NOTES.get(command) ?? {};
}
