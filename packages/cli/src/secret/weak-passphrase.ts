import { userInfo } from 'node:os';

/** Fewer characters than this are warned of. */
const FEWEST = 12;

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

/** The characters of UTF-8; of other bytes about as many. */
function lengthOf(bytes: Uint8Array): number {
  return bytes.reduce((length, byte) => length + (isContinuation(byte) ? 0 : 1), 0);
}

/** Whether one character makes up all of it. */
function isRepeated(bytes: Uint8Array): boolean {
  const next = bytes.findIndex((byte, at) => at > 0 && !isContinuation(byte));
  return next > 0 && bytes.length % next === 0 && bytes.every((byte, at) => byte === bytes[at % next]);
}

const [ZERO, NINE] = [0x30, 0x39];

/** Whether `to` follows `from` as in the alphabet; after 9 comes 0. */
const follows = (from: number, to: number): boolean => to === from + 1 || (from === NINE && to === ZERO);

/** Whether it is a run, such as `abcdefghijkl` or `987654321098`. */
function isRun(bytes: Uint8Array): boolean {
  const rest = bytes.subarray(1);
  return (
    rest.every((byte, at) => follows(bytes[at] ?? 0, byte)) || rest.every((byte, at) => follows(byte, bytes[at] ?? 0))
  );
}

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);

/** Whether it is `name`, whatever the case of ASCII letters. */
function isName(bytes: Uint8Array, name: string): boolean {
  const other = Buffer.from(name);
  return bytes.length === other.length && bytes.every((byte, at) => lower(byte) === lower(other[at] ?? 0));
}

function userName(): readonly string[] {
  try {
    return [userInfo().username];
  } catch {
    // The system has no entry for this user.
    return [];
  }
}

/** The name that people give to a store: the last part of its URL, with and without an extension. */
function storeNames(url: string): readonly string[] {
  const last = /([^/\\:]+)[/\\]*$/.exec(url)?.[1] ?? '';
  return [last, last.replace(/\.[^.]*$/, '')];
}

/**
 * Why a passphrase is weak, as the end of a sentence; `undefined` if none of these rules says so, which does not make it strong:
 * fewer than 12 characters, one repeated character, a run, or the name of the user or of the store.
 *
 * @param url of the store
 */
export function weaknessOf(passphrase: Uint8Array, url: string): string | undefined {
  if (userName().some((name) => isName(passphrase, name))) return 'it is your user name';
  if (storeNames(url).some((name) => isName(passphrase, name))) return 'it is the name of the store';
  if (isRepeated(passphrase)) return 'it repeats one character';
  if (passphrase.length > 1 && isRun(passphrase)) return 'its characters are a run';
  const length = lengthOf(passphrase);
  if (length < FEWEST) return `it has ${length === 1 ? '1 character' : `${length} characters`}, fewer than ${FEWEST}`;
  return undefined;
}
