import { MAX_KEY_BYTES } from '@securestore/core-format';
import { malformed } from './file-format.ts';

/** How deep objects and arrays may be nested: no key has as many parts. */
export const MAX_DEPTH = 512;

/** Values other than texts, arrays and objects; and spaces between all. */
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACES = /[ \t\n\r]*/y;

/** Gathers the values of a JSON text, by places for names. */
export interface JsonSink<P> {
  /** The place of the outermost object. */
  readonly root: P;
  /** The place of a member of an object. */
  readonly below: (place: P, name: string) => P;
  /** Called for each value, in their order. @param value of a text that text, of anything else its JSON as it is there */
  readonly found: (place: P, value: string) => void;
  /** Called for a value whose names are longer than a key may be. */
  readonly tooLong: (line: number) => void;
}

/** Where a value is, and how long the names are that lead to it, with something between. */
interface Where<P> {
  readonly place: P;
  readonly length: number;
}

/** Whether a quotation mark within a text is part of it. */
function isEscaped(text: string, mark: number): boolean {
  let backslashes = 0;
  while (text.charAt(mark - 1 - backslashes) === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** The end of what `pattern` finds at `from`. */
function endOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}

/**
 * Reads a JSON object, and reports all values that are not objects with members. `JSON.parse` would keep one of several members of a
 * name and round numbers, and its errors repeat the text.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if it is none
 */
export function readJsonObject<P>(text: string, { root, below, found, tooLong }: JsonSink<P>): void {
  let at = 0;
  let line = 1;
  let lineEnd = text.indexOf('\n');

  function currentLine(): number {
    while (lineEnd !== -1 && lineEnd < at) {
      lineEnd = text.indexOf('\n', lineEnd + 1);
      line += 1;
    }
    return line;
  }

  function fail(what: string): never {
    throw malformed(`line ${currentLine()} is not JSON: ${what}`);
  }

  /** The character that comes next after spaces. */
  function next(): string {
    at = endOf(SPACES, text, at);
    return text.charAt(at);
  }

  function take(mark: string): void {
    if (next() !== mark) fail(`${mark} is missing`);
    at += 1;
  }

  /** Takes everything from `open` to `close`, with commas between what `one` takes; whether there was any. */
  function list(open: string, close: string, one: () => void): boolean {
    take(open);
    if (next() === close) {
      at += 1;
      return false;
    }
    one();
    while (next() === ',') {
      at += 1;
      if (next() === close) fail(`a comma before ${close}`);
      one();
    }
    take(close);
    return true;
  }

  function string(): string {
    if (next() !== '"') fail('a text in quotation marks is missing');
    let end = at;
    do {
      end = text.indexOf('"', end + 1);
      if (end === -1) fail('a text does not end');
    } while (isEscaped(text, end));
    try {
      const content: string = JSON.parse(text.slice(at, end + 1));
      at = end + 1;
      return content;
    } catch {
      return fail('a text has invalid characters or escapes');
    }
  }

  function scalar(): void {
    const end = endOf(SCALAR, text, at);
    if (end === at) fail('a value is missing');
    at = end;
  }

  /** @param where undefined within an array */
  function value(depth: number, where: Where<P> | undefined): void {
    if (depth > MAX_DEPTH) {
      throw malformed(`objects and arrays on line ${currentLine()} are nested more than ${MAX_DEPTH} deep`);
    }
    const mark = next();
    const start = at;
    let content: string | undefined;
    if (mark === '"') content = string();
    else if (mark === '[') list('[', ']', () => value(depth + 1, undefined));
    else if (mark !== '{') scalar();
    else if (list('{', '}', () => member(depth, where))) return;
    if (where === undefined || depth === 1) return;
    if (where.length > MAX_KEY_BYTES) tooLong(currentLine());
    else found(where.place, content ?? text.slice(start, at));
  }

  function member(depth: number, where: Where<P> | undefined): void {
    const name = string();
    take(':');
    value(depth + 1, where && memberOf(where, name, depth));
  }

  function memberOf({ place, length }: Where<P>, name: string, depth: number): Where<P> {
    const longer = length + (depth === 1 ? 0 : 1) + name.length;
    // What is too long needs no place of its own.
    return { place: longer > MAX_KEY_BYTES ? place : below(place, name), length: longer };
  }

  if (next() !== '{') throw malformed('the text is not a JSON object');
  value(1, { place: root, length: 0 });
  if (next() !== '') fail('text after the end of the object');
}
