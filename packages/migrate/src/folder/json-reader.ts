import { MAX_KEY_BYTES } from '@securestore/core-format';
import { malformed } from './file-format.ts';

/** How deep objects and arrays may lie in each other: no name of an object in the store has as many parts. */
const MAX_DEPTH = 512;

/** What is no text, array or object; and what stands between all. */
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACES = /[ \t\n\r]*/y;

/** Told of the values of a JSON text, in their order. */
export interface JsonSink {
  /** @param value of a text that text, of anything else its JSON as it stands there */
  readonly found: (names: readonly string[], value: string) => void;
  /** Of a value to which longer names lead than a key has room for. */
  readonly tooLong: (line: number) => void;
}

/** The names that lead to a value, and how long they are together. */
interface Path {
  readonly names: readonly string[];
  readonly length: number;
}

function below({ names, length }: Path, name: string): Path {
  // What is too long already isn't made longer: the same names may lead to very many values.
  const all = length > MAX_KEY_BYTES ? names : [...names, name];
  return { names: all, length: length + (names.length === 0 ? 0 : 1) + name.length };
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
export function readJsonObject(text: string, { found, tooLong }: JsonSink): void {
  let at = 0;
  let line = 1;
  let lineAt = 0;

  function currentLine(): number {
    for (let end = text.indexOf('\n', lineAt); end !== -1 && end < at; end = text.indexOf('\n', lineAt)) {
      lineAt = end + 1;
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

  /** @param path undefined within an array */
  function value(depth: number, path: Path | undefined): void {
    if (depth > MAX_DEPTH) fail(`more than ${MAX_DEPTH} objects and arrays in each other`);
    const mark = next();
    const start = at;
    let content: string | undefined;
    if (mark === '"') content = string();
    else if (mark === '[') list('[', ']', () => value(depth + 1, undefined));
    else if (mark !== '{') scalar();
    else if (list('{', '}', () => member(depth, path))) return;
    if (path === undefined || path.names.length === 0) return;
    if (path.length > MAX_KEY_BYTES) tooLong(currentLine());
    else found(path.names, content ?? text.slice(start, at));
  }

  function member(depth: number, path: Path | undefined): void {
    const name = string();
    take(':');
    value(depth + 1, path && below(path, name));
  }

  if (next() !== '{') throw malformed('it is no JSON object');
  value(1, { names: [], length: 0 });
  if (next() !== '') fail('something after its end');
}
