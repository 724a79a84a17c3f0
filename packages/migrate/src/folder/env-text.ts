import { parseEnv } from 'node:util';
import { SecureStoreError } from '@securestore/core-format';
import { type FileEntries, type FileEntry, malformed } from './file-format.ts';

/** Names of variables that all readers of `.env` files take. (Shells take neither dots nor hyphens.) */
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

const BLANK_OR_COMMENT = /^[ \t]*(?:#.*)?$/;
const QUOTATION_MARKS: ReadonlySet<string> = new Set(["'", '"', '`']);
const SPACES = /[ \t]*/y;

interface Assignment {
  readonly line: number;
  readonly name: string;
  /** The text after the `=`. */
  readonly right: string;
  /** Whether a `#` that may be part of the value begins a comment for readers of such files: only spaces distinguish them. */
  readonly isCut: boolean;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function afterSpaces(text: string, from: number): number {
  SPACES.lastIndex = from;
  SPACES.test(text);
  return SPACES.lastIndex;
}

/** The end of the quotation marks around a value that begins at `start`; `start` if there are none. */
function endOfQuoted(text: string, start: number, line: number): number {
  const mark = text.charAt(start);
  if (!QUOTATION_MARKS.has(mark)) return start;
  const closing = text.indexOf(mark, start + 1);
  if (closing === -1) {
    // The mark may be part of the value, or all text after it may be.
    throw malformed(`the quotation mark before the value on line ${line} is never closed`);
  }
  if (BLANK_OR_COMMENT.test(text.slice(closing + 1, endOfLine(text, closing)))) return closing + 1;
  throw malformed(`the value on line ${line} has text after its closing quotation mark`);
}

/** Whether the first `#` between two places has something else than a space before it. */
function isCutBetween(text: string, start: number, end: number): boolean {
  const at = text.slice(start, end).indexOf('#');
  return at !== -1 && !/[ \t]/.test(text.charAt(start + at - 1));
}

/** The assignments of a text. @throws SecureStoreError `INVALID_ARGUMENT` for a line that is none */
function* assignments(given: string): Generator<Assignment> {
  // `parseEnv` does so too, also within values.
  const text = given.replaceAll('\r', '');
  let line = 1;
  for (let start = 0; start < text.length;) {
    const first = text.slice(start, endOfLine(text, start));
    let end = start + first.length;
    if (!BLANK_OR_COMMENT.test(first)) {
      const equals = first.indexOf('=');
      if (equals === -1) {
        throw malformed(`line ${line} is neither NAME=value nor a comment`, { id: 'quote-value' });
      }
      const name = first
        .slice(0, equals)
        .trim()
        .replace(/^export[ \t]+/, '');
      const from = afterSpaces(text, start + equals + 1);
      const behind = endOfQuoted(text, from, line);
      end = endOfLine(text, behind);
      yield { line, name, right: text.slice(from, end), isCut: isCutBetween(text, behind, end) };
    }
    line += text.slice(start, end).split('\n').length;
    start = end + 1;
  }
}

/**
 * The value of an assignment, as `parseEnv` of Node reads it by itself: of a whole text that leaves out lines that are no
 * assignments, takes the line after `NAME= ` for its value, and loses `__proto__` and a last line like `NAME='x`.
 */
function valueOf({ right }: Assignment): string {
  return parseEnv(`V=${right}\n`)['V'] ?? '';
}

/**
 * The variables of a text in the format of `.env` files. Of several assignments to one variable the last one counts, as for every reader
 * of such files. No value is silently cut: one that might be is an error.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if a line is no assignment, has text after a value in quotation marks, or lacks the closing mark
 */
export function readEnv(text: string): FileEntries {
  const last = new Map<string, number>();
  let count = 0;
  for (const { name, line } of assignments(text)) {
    last.set(name, line);
    count += 1;
  }
  return {
    count,
    *[Symbol.iterator]() {
      for (const assignment of assignments(text)) yield entryOf(assignment, last.get(assignment.name));
    },
  };
}

function entryOf(assignment: Assignment, counts: number | undefined): FileEntry {
  const { name, line } = assignment;
  if (!NAME.test(name)) {
    // The text is not repeated: it may be the end of a secret that was broken into lines.
    const message = 'the text before = is not the name of a variable';
    return { name: `line ${line}`, error: new SecureStoreError('INVALID_ARGUMENT', message) };
  }
  if (counts !== line) return { name, skipped: `line ${line} is overridden by line ${counts}` };
  if (assignment.isCut) {
    const message = `the value on line ${line} has a # without a space before it, where readers of .env files cut it`;
    return { name, error: new SecureStoreError('INVALID_ARGUMENT', message, { advice: [{ id: 'quote-value' }] }) };
  }
  return { name, value: valueOf(assignment) };
}

/** Values that need no quotation marks, neither in the file nor in a shell. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]*$/;

/** Ways to write a value; the first ones mean the same to a shell. */
function* spellings(value: string): Generator<string> {
  if (PLAIN.test(value)) yield value;
  // Other readers than that of Node know more escapes within `"`.
  const marks = value.includes('\\') ? ["'", '`', '"', ''] : ["'", '"', '`', ''];
  for (const mark of marks) yield `${mark}${value}${mark}`;
}

/** A comment with all that a quotation mark which is left open before it would end at. */
const NEXT_LINE = `# '"\`\n`;

function refuse(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', reason, { advice: [{ id: 'export-to-folder' }] });
}

/**
 * The assignment by which a reader of `.env` files gets exactly `value`.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if the name is not that of a variable, or no assignment gives the value
 */
export function envAssignment(name: string, value: string): string {
  // `parseEnv` loses that one.
  if (!NAME.test(name) || name === '__proto__') refuse('the name is not valid for a variable of a .env file');
  if (value.includes('\0')) refuse('the value has a NUL character, which environment variables cannot have');
  for (const spelling of spellings(value)) {
    const line = `${name}=${spelling}`;
    const read = parseEnv(`${line}\n${NEXT_LINE}`);
    if (read[name] === value && Object.keys(read).length === 1) return line;
  }
  return refuse('the value has a carriage return, or quotation marks that a .env file cannot have together');
}
