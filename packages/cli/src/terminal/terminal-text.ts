import { UNPRINTABLE } from '@securestore/core-format';
import type { OutputStream } from './cli-context.ts';

/**
 * `text` with everything escaped that could steer a terminal, break a line or pass unseen, for names and values that
 * come from outside and are shown to a person.
 */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16).padStart(2, '0')}}`);
}

/** The escape sequence that turns a colour on or off. */
const COLOUR = /(\u001b\[(?:3[1-9]|90)m)/;

/** The lines of a text, each as {@link printable}, with its colours. */
export function printableLines(text: string): string {
  const lines = text.split('\n').map((line) => line.split(COLOUR));
  return lines.map((pieces) => pieces.map((one) => (COLOUR.test(one) ? one : printable(one))).join('')).join('\n');
}

/** The columns of a terminal that is not known. */
export const DEFAULT_WIDTH = 80;

/** How many columns a line of `stream` may have. A terminal that does not know its width says 0. */
export const widthOf = ({ columns }: Pick<OutputStream, 'columns'>): number => columns || DEFAULT_WIDTH;

/** `text` in so many columns at most, with an ellipsis for what was cut off at its end; characters of double width count as one. */
export function cutTo(columns: number, text: string): string {
  const characters = Array.from(text);
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

/** A word in pieces of so many columns at most. */
function piecesOf(columns: number, word: string): string[] {
  const characters = Array.from(word);
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; at += columns) pieces.push(characters.slice(at, at + columns).join(''));
  return pieces;
}

/**
 * `text` in lines of so many columns at most, broken at spaces; characters of double width count as one.
 *
 * @param breaksWords whether a longer word is broken as well; otherwise it stays whole, so that it can be copied
 */
export function wrapTo(columns: number, text: string, breaksWords = false): string[] {
  const width = Math.max(1, columns);
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of text.split(' ').flatMap((one) => (breaksWords && one !== '' ? piecesOf(width, one) : [one]))) {
    const longer: string = line === undefined ? word : `${line} ${word}`;
    if (line !== undefined && Array.from(longer).length > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line ?? ''];
}

/** A command at the end of a line, which a person is to select as a whole. */
const COMMAND_AT_END = /^(.*?:) ((?:securestore|export|chmod|rm|npm) [^]*)$/;

/** The command at the end of a line, unless it is within quotation marks: a name that another person chose may look like one. */
function commandAtEnd(line: string): string | undefined {
  const [, before = '', command] = COMMAND_AT_END.exec(line) ?? [];
  const marks = before.replaceAll(/\\[^]/g, '').split('"').length - 1;
  return marks % 2 === 0 ? command : undefined;
}

/** @param command at the end of the line, if there is one */
function fitLine(columns: number, line: string, command: string | undefined): string[] {
  if (Array.from(line).length <= columns) return [line];
  if (command !== undefined && line.endsWith(` ${command}`)) {
    return [...fitLine(columns, line.slice(0, -command.length - 1), undefined), `  ${command}`];
  }
  const [indent = ''] = /^ */.exec(line) ?? [];
  const [first = '', ...rest] = wrapTo(columns - indent.length - 2, line.slice(indent.length));
  return [`${indent}${first}`, ...rest.map((one) => `${indent}  ${one}`)];
}

/**
 * A line that is for a person, in lines as wide as a terminal at most. The command at its end gets a line of its own and is not broken:
 * the terminal shows it in several rows, and copies it as one.
 *
 * @param columns of the terminal; `undefined` if it is none, and nothing is wrapped
 */
export function wrapLine(columns: number | undefined, line: string, command: string | undefined): string {
  return columns === undefined ? line : fitLine(columns, line, command).join('\n');
}

/** The lines of a text that is for a person, each as {@link wrapLine}, with a command if the line ends with what looks like one. */
export function wrapLines(columns: number | undefined, text: string): string {
  const lines = text.split('\n');
  return lines.map((line) => wrapLine(columns, line, commandAtEnd(line))).join('\n');
}

/** `value` as JSON on one line, with what {@link printable} escapes escaped in the way of JSON: it reads the same. */
export function jsonLine(value: object): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) =>
    character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A number of bytes for people, in binary units with three digits at most. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit: string = 'B';
  for (const next of UNITS) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** A count with its noun in the right number, such as `1 file` or `3 files`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

/** A time for people: UTC to the second, sortable as text. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** Hours, minutes and seconds as short as they can be said. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

const AGES = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
] as const;

/** How old something is, in the largest unit of which it has two at least, rounded down. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [length, unit] of AGES) if (whole >= 2 * length) return `${Math.floor(whole / length)} ${unit}`;
  return `${whole} s`;
}

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/**
 * Lines of a table whose columns are as wide as their widest cell. The last column is not padded, so it is the place
 * for text whose width on a terminal isn't its length.
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, index) =>
    rows.reduce((widest, row) => Math.max(widest, row[index]?.length ?? 0), title.length),
  );
  const format = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        const width = widths[index] ?? 0;
        if (align === 'right') return cell.padStart(width);
        return index === columns.length - 1 ? cell : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [format(columns.map(({ title }) => title)), ...rows.map(format)];
}

/** Lines of `name  value` with the names padded to one width; undefined values are left out. */
export function formatFields(fields: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  const width = known.reduce((widest, [name]) => Math.max(widest, name.length), 0);
  return known.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
