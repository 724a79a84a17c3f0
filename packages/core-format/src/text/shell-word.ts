import { UNPRINTABLE } from './unprintable.ts';

/** Characters that no shell does anything with; zsh and fish do if `=` or `%` is the first. */
const PLAIN = /^[\w/:.,@+-][\w/:.,@%+=-]*$/;

/** The bytes of a character in octal, which no shell reads further than three digits. */
function octal(character: string): string {
  return Array.from(new TextEncoder().encode(character), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/**
 * A text as one word of a POSIX shell or of fish, for a command that a person is to paste. A word with characters that cannot be seen
 * is quoted as `$'…'`, which shows them: other shells than bash, zsh and ksh refuse it, or take it for another word.
 */
export function shellWord(text: string): string {
  if (PLAIN.test(text)) return text;
  const shown = text.toWellFormed();
  // Neither a quote nor a backslash as it is: a shell that does not know this quotation would end it there.
  if (shown.search(UNPRINTABLE) !== -1) return `$'${shown.replaceAll(/['\\]/g, octal).replaceAll(UNPRINTABLE, octal)}'`;
  // fish reads a backslash between single quotes, and a POSIX shell does not.
  return `'${text.replaceAll(/['\\]/g, String.raw`'\$&'`)}'`;
}

/** A path as one word of a shell, and no option of the command that gets it. */
export function shellPath(path: string): string {
  return shellWord(path.startsWith('-') ? `./${path}` : path);
}
