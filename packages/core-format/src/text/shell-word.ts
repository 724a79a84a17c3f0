/** Characters that no POSIX shell does anything with. */
const PLAIN = /^[\w/:.,@%+=-]+$/;

/** A text as one word of a POSIX shell, for a command that a person is to paste. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
