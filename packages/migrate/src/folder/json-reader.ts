import { MAX_KEY_BYTES } from '@securestore/core-format';
import { malformed } from './file-format.ts';

/** How deep objects and arrays may lie in each other: no name of an object in the store has as many parts. */
const MAX_DEPTH = 512;

/** What is no text, array or object; and what stands between all. */
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACES = /[ \t\n\r]*/y;

/** Where what a JSON text says is gathered, by places for names. */
export interface JsonSink<P> {
  /** The place of the outermost object. */
  readonly root: P;
  /** The place of a member of an object. */
  readonly below: (place: P, name: string) => P;
  /** Told of each value, in their order. @param value of a text that text, of anything else its JSON as it stands there */
  readonly found: (place: P, value: string) => void;
  /** Told of a value to which longer names lead than a key has room for. */
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
 * Reads a JSON object, and tells of all values that are not objects with members. `JSON.parse` would keep one of several members of a
 * name and round numbers, and its errors repeat the text.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where it is none
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
    throw malformed(`it is not JSON: on line ${currentLine()} there is ${what}`);
  }

  /** The character that comes next after spaces. */
  function next(): string {
    at = endOf(SPACES, text, at);
    return text.charAt(at);
  }

  function take(mark: string): void {
    if (next() !== mark) fail(`no ${mark} where one belongs`);
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
      if (next() === close) fail(`a comma before the ${close}, where JSON has none`);
      one();
    }
    take(close);
    return true;
  }

  function string(): string {
    if (next() !== '"') fail('no text in quotation marks where one belongs');
    let end = at;
    do {
      end = text.indexOf('"', end + 1);
      if (end === -1) fail('a text that does not end');
    } while (isEscaped(text, end));
    try {
      const content: string = JSON.parse(text.slice(at, end + 1));
      at = end + 1;
      return content;
    } catch {
      return fail('a text that holds what no text in JSON can');
    }
  }

  function scalar(): void {
    const end = endOf(SCALAR, text, at);
    if (end === at) fail('no value where one belongs');
    at = end;
  }

  /** @param where undefined within an array */
  function value(depth: number, where: Where<P> | undefined): void {
    if (depth > MAX_DEPTH) {
      const what = `objects and arrays lie more than ${MAX_DEPTH} deep in each other`;
      throw malformed(
        `on line ${currentLine()} ${what}, which is more than the name of an object in a store has room for`,
      );
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

  if (next() !== '{') throw malformed('it is no JSON object');
  value(1, { place: root, length: 0 });
  if (next() !== '') fail('something after its end');
}
