import { UNPRINTABLE } from '@securestore/core-format';

/** A character that nobody sees, or that changes how others look, and what is shown for it. */
export interface Escaped {
  readonly character: string;
  /** Such as `\u{202e}`. */
  readonly escape: string;
}

/** A text in pieces: what can be shown as it is, and what must be escaped. Lone surrogates become U+FFFD. */
export function printablePieces(text: string): (string | Escaped)[] {
  const whole = text.toWellFormed();
  const pieces: (string | Escaped)[] = [];
  let at = 0;
  for (const { 0: character, index } of whole.matchAll(UNPRINTABLE)) {
    if (index > at) pieces.push(whole.slice(at, index));
    pieces.push({ character, escape: `\\u{${character.codePointAt(0)?.toString(16).padStart(2, '0')}}` });
    at = index + character.length;
  }
  if (at < whole.length) pieces.push(whole.slice(at));
  return pieces;
}

/** `text` with everything replaced that nobody sees, or that changes how others look. */
export function withoutUnprintable(text: string, replacement: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, replacement);
}
