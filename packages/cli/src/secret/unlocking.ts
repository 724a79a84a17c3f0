import { SecureStoreError } from '@securestore/core-format';
import type { ReadRecoveryKit, UnlockSecretMethod } from 'securestore';
import type { OwnHint } from '../errors/hints.ts';
import { refusal, refuse } from '../errors/refuse.ts';
import { type PassphraseSource, readSecretFile, type UnlockSecretSource } from './secret.ts';

/** A way to unlock a store; disposing it wipes what was read for it. */
export interface Unlocking extends Disposable {
  readonly method: UnlockSecretMethod;
  /** The fingerprint of the store that the secret says it is of. */
  readonly fingerprint?: string;
  /** Forgets a passphrase that a person has typed, who is asked again when it is next read. @returns whether there was one */
  readonly forget?: () => boolean;
}

/** The caller copies and wipes what these methods read. */
const plain = (method: UnlockSecretMethod): Unlocking => ({ method, [Symbol.dispose]: () => {} });

/** The way to unlock a store with a secret, which is read once however often it is asked for. */
export async function unlockWith(source: UnlockSecretSource): Promise<Unlocking> {
  const { identityFile, keyFile, passphrase } = await import('securestore');
  if (source.kind === 'key-file') return plain(fromFile(keyFile(source.path), CHECK_KEY_FILE));
  if (source.kind === 'identity') return plain(fromFile(identityFile(source.path), CHECK_IDENTITY_FILE));
  if (source.kind === 'recovery-code') return await byPrinted('recovery code', [source.path]);
  if (source.kind === 'shares') return await byPrinted('share', source.paths);
  return byPassphrase(source, passphrase);
}

const CHECK_KEY_FILE: OwnHint = { text: 'check the file in --key-file, or in $SECURESTORE_KEY_FILE' };
const CHECK_IDENTITY_FILE: OwnHint = { text: 'check the file in --identity-file' };

/** A method by a file, whose errors have a hint more. */
function fromFile(method: UnlockSecretMethod, hint: OwnHint): UnlockSecretMethod {
  const secret = async (): Promise<Buffer> => {
    try {
      return await method.secret();
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      const { code, message, cause } = error;
      // The library makes another error of it, and keeps its cause, which has the hint.
      throw refusal(code, message, { hints: [hint], cause });
    }
  };
  return { ...method, secret };
}

/** It is read once, and after the disposal again whenever it is asked for: its file or command may have another one by then. */
function byPassphrase(source: PassphraseSource, passphrase: typeof import('securestore').passphrase): Unlocking {
  let reading: Promise<Uint8Array> | undefined;
  let known: Uint8Array | undefined;
  let isDisposed = false;
  const forget = (): boolean => {
    const isKnown = known !== undefined;
    known?.fill(0);
    known = reading = undefined;
    return isKnown;
  };
  const method = passphrase(async () => {
    if (isDisposed && (source.from === 'terminal' || source.from === 'variable')) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        'the passphrase comes from no file or command that could have a new one',
      );
    }
    reading ??= source.read();
    known = await reading;
    return known;
  });
  const secret = async (): Promise<Buffer> => {
    try {
      return await method.secret();
    } finally {
      if (isDisposed) forget();
    }
  };
  const dispose = (): void => {
    isDisposed = true;
    forget();
  };
  return {
    method: { ...method, secret },
    ...(source.from === 'terminal' && { forget }),
    [Symbol.dispose]: dispose,
  };
}

type PrintedKind = 'recovery code' | 'share';

interface Printed {
  readonly unlockSecret: Uint8Array;
  readonly fingerprint?: string;
}

/** A code or share, by itself or in the kit that was made with it. */
async function readPrintedFile(path: string, kind: PrintedKind): Promise<Printed> {
  const { readRecoveryKit } = await import('securestore');
  const contents = await readSecretFile(path, kind);
  let kit: ReadRecoveryKit | undefined;
  try {
    kit = readRecoveryKit(contents);
  } catch (error) {
    contents.fill(0);
    throw SecureStoreError.is(error) ? badKit(path, error.message) : error;
  }
  if (kit === undefined) return { unlockSecret: contents };
  contents.fill(0);
  if (kit.kind === kind) return kit;
  kit.unlockSecret.fill(0);
  throw badKit(path, `it is of a ${kit.kind}, not of a ${kind}`);
}

function badKit(path: string, reason: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `cannot use the recovery kit "${path}": ${reason}`);
}

async function byPrinted(kind: PrintedKind, paths: readonly string[]): Promise<Unlocking> {
  const { recoveryCode, shares } = await import('securestore');
  const read: Printed[] = [];
  const wipe = (): void => {
    for (const { unlockSecret } of read) unlockSecret.fill(0);
  };
  try {
    for (const path of paths) read.push(await readPrintedFile(path, kind));
    const fingerprint = oneFingerprint(read.map((printed) => printed.fingerprint));
    // They are copied whenever they are asked for.
    const [first = new Uint8Array()] = read.map(({ unlockSecret }) => unlockSecret);
    const method = kind === 'share' ? shares(read.map(({ unlockSecret }) => unlockSecret)) : recoveryCode(first);
    return { method, ...(fingerprint === undefined ? {} : { fingerprint }), [Symbol.dispose]: wipe };
  } catch (error) {
    wipe();
    throw error;
  }
}

/**
 * The one fingerprint among those that are known.
 *
 * @throws `INVALID_ARGUMENT` if there are two
 */
export function oneFingerprint(all: readonly (string | undefined)[]): string | undefined {
  const [one, another] = new Set(all.filter((fingerprint) => fingerprint !== undefined));
  if (another === undefined) return one;
  return refuse(`the fingerprints given are of different stores: ${one} and ${another}`, {
    text: 'compare --fingerprint, the invitation and the recovery kits',
  });
}
