import { isUtf8 } from 'node:buffer';
import { SecureStoreError, textLines, trimmedText } from '@securestore/core-format';

const HASH = 0x23;
const COLON = 0x3a;
const LINE_END = 0x0a;
const CONTROL = /\p{Cc}/u;

/** A kind of text for people and programs, and its fields. */
export interface TextKind {
  /** Its first line, with its version. */
  readonly title: string;
  /** For messages: "the invitation". */
  readonly what: string;
  readonly names: readonly string[];
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff', 'utf8');
const SPACES: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0d, 0x0a]);

/** The beginning of a text, after the byte order mark and the white space that editors, mails and typing leave before it. */
function beginOf(text: Uint8Array): number {
  const isMarked = Buffer.compare(text.subarray(0, BYTE_ORDER_MARK.length), BYTE_ORDER_MARK) === 0;
  let begin = isMarked ? BYTE_ORDER_MARK.length : 0;
  while (SPACES.has(text[begin])) begin += 1;
  return begin;
}

/** Whether a text is of a kind, in any version. */
export function isOfKind(text: Uint8Array, { title }: TextKind): boolean {
  const wanted = Buffer.from(title.replace(/\d+$/, ''), 'latin1');
  const begin = beginOf(text);
  return Buffer.compare(text.subarray(begin, begin + wanted.length), wanted) === 0;
}

/**
 * The `name: value` lines of a text, each name at most once; lines that are empty or begin with `#` are for people.
 *
 * @returns views of the text, which may hold a secret and is never made a string
 * @throws SecureStoreError `INVALID_ARGUMENT`; its message repeats only names of fields. `UNSUPPORTED` for another version
 */
export function readLabelled(text: Buffer, kind: TextKind): ReadonlyMap<string, Buffer> {
  const { title, what, names } = kind;
  const invalid = (reason: string): never => {
    throw new SecureStoreError('INVALID_ARGUMENT', `${what} is malformed: ${reason}`);
  };
  if (!isUtf8(text)) invalid('not UTF-8');
  if (!isOfKind(text, kind)) invalid(`the first line is not "${title}"`);
  const begin = beginOf(text);
  const skipped = text.subarray(0, begin).filter((byte) => byte === LINE_END).length;
  const [first = Buffer.alloc(0), ...lines] = textLines(text.subarray(begin));
  if (!first.equals(Buffer.from(title, 'latin1'))) {
    throw new SecureStoreError('UNSUPPORTED', `${what} must have the version "${title}"`, {
      advice: [{ id: 'use-newer-release' }],
    });
  }
  const values = new Map<string, Buffer>();
  for (const [index, line] of lines.entries()) {
    if (line.length === 0 || line[0] === HASH) continue;
    const colon = line.indexOf(COLON);
    const name = names.find((known) => colon >= 0 && line.subarray(0, colon).equals(Buffer.from(known, 'latin1')));
    if (name === undefined) return invalid(`line ${skipped + index + 2} is none of ${names.join(', ')}`);
    if (values.has(name)) invalid(`${name} occurs twice`);
    values.set(name, trimmedText(line.subarray(colon + 1)));
  }
  return values;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for what is no text, or has more than one line */
export function labelledLine(name: string, value: string): string {
  if (typeof value !== 'string') throw new SecureStoreError('INVALID_ARGUMENT', `the ${name} must be a string`);
  if (CONTROL.test(value))
    throw new SecureStoreError('INVALID_ARGUMENT', `the ${name} must not have control characters`);
  return `${name}: ${value}\n`;
}

/**
 * A value that is no secret, if there is one.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for control characters, which {@link labelledLine} writes none of
 */
export function textIn(values: ReadonlyMap<string, Buffer>, name: string, { what }: TextKind): string | undefined {
  const text = values.get(name)?.toString('utf8');
  if (text === undefined || !CONTROL.test(text)) return text;
  throw new SecureStoreError('INVALID_ARGUMENT', `${what} is malformed: the ${name} has control characters`);
}

const FINGERPRINT = /^[0-9a-v]{52}$/;

/** @throws SecureStoreError `INVALID_ARGUMENT` if it is missing or malformed */
export function fingerprintIn(values: ReadonlyMap<string, Buffer>, { what }: TextKind): string {
  const fingerprint = values.get('fingerprint')?.toString('latin1') ?? '';
  if (FINGERPRINT.test(fingerprint)) return fingerprint;
  throw new SecureStoreError('INVALID_ARGUMENT', `${what} must have a fingerprint of 52 characters`);
}
