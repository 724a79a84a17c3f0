import { isUtf8 } from 'node:buffer';
import { KEY_LENGTH, SecureStoreError, textLines } from '@securestore/core-format';
import { readPrinted } from './printed.ts';

const HASH = 0x23;
const PIN = /^fingerprint:\s*([0-9a-v]{52})\s*$/;
const PIN_START = Buffer.from('fingerprint:', 'latin1');

/** What an identity file holds. */
export interface IdentityText {
  /** To be wiped. */
  readonly privateKey: Buffer;
  /** Of the stores that it is known to open. */
  readonly fingerprints: readonly string[];
}

function invalid(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the identity file is malformed: ${reason}`);
}

/**
 * Reads an identity file: one line with the identity, any number of `fingerprint:` lines, and lines that are empty or
 * begin with `#`.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for anything else; it names the line and holds nothing of it
 */
export function readIdentityText(text: Buffer): IdentityText {
  if (!isUtf8(text)) invalid('it is not UTF-8');
  const fingerprints = new Set<string>();
  let privateKey: Buffer | undefined;
  try {
    for (const [index, line] of [...textLines(text)].entries()) {
      const where = `line ${index + 1}`;
      if (line.length === 0 || line[0] === HASH) continue;
      if (line.subarray(0, PIN_START.length).equals(PIN_START)) {
        const [, fingerprint] = PIN.exec(line.toString('latin1')) ?? [];
        fingerprints.add(fingerprint ?? invalid(`${where} has no fingerprint of 52 characters`));
        continue;
      }
      if (privateKey !== undefined)
        invalid(`${where} is neither a comment nor a fingerprint, and comes after the identity`);
      privateKey = readIdentity(line, where);
    }
    return { privateKey: privateKey ?? invalid('it has no identity'), fingerprints: [...fingerprints] };
  } catch (error) {
    privateKey?.fill(0);
    throw error;
  }
}

function readIdentity(line: Buffer, where: string): Buffer {
  try {
    return readPrinted('identity', line, KEY_LENGTH);
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    return invalid(`${where}: ${error.message}`);
  }
}
