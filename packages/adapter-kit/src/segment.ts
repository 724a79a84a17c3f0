const EMPTY = '%';
/** What no segment of a key may hold, and `%`, which stands for it. */
const SPECIAL = /[%/\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/gu;
const NOT_ASCII = /[^\u0020-\u007e]/g;
const ESCAPED = /%([0-9A-F]{4})/g;

/** Each UTF-16 unit as `%` and four digits. */
function escapeUnits(text: string): string {
  let escaped = '';
  for (let at = 0; at < text.length; at += 1) {
    escaped += `%${text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')}`;
  }
  return escaped;
}

/**
 * Any text as one segment of a key. Two texts never have one segment. Most texts are their own; what a key can't hold
 * (`/`, control characters, lone surrogates, whatever is not in normalisation form C) and `%` are `%` and four
 * hexadecimal digits for each UTF-16 unit, and the empty text is `%`.
 */
export function toSegment(text: string): string {
  if (text === '') return EMPTY;
  if (text === '.' || text === '..') return escapeUnits(text);
  const segment = text.replaceAll(SPECIAL, escapeUnits);
  return segment.normalize('NFC') === segment ? segment : segment.replaceAll(NOT_ASCII, escapeUnits);
}

/** The text of a segment that {@link toSegment} made. */
export function fromSegment(segment: string): string {
  if (segment === EMPTY) return '';
  return segment.replaceAll(ESCAPED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
