import { copySecret, SecureStoreError } from '@securestore/core-format';
import type { SlotType } from '@securestore/core-format';
import type { KeyWrapperMethod } from '../key-service/key-wrapper.ts';

/** A secret: its bytes, a string (which can't be wiped from memory), or a function that fetches the bytes whenever they are needed. */
export type UnlockSecretSource = Uint8Array | string | (() => Uint8Array | string | Promise<Uint8Array | string>);

/** How many of how many shares are needed. */
export interface ShareScheme {
  /** From 2 to `count`. */
  readonly threshold: number;
  /** From 2 to 255. */
  readonly count: number;
}

/** A way to unlock a store by a secret. */
export interface UnlockSecretMethod {
  readonly type: Exclude<SlotType, 'keyWrapper'>;
  /** A fresh copy of the secret, which the caller wipes. */
  readonly secret: () => Promise<Buffer>;
  /**
   * For shares: fresh copies of the shares themselves, enough of them, which the caller wipes. A slot tells which of them are its
   * own, and only those give its secret.
   */
  readonly shares?: () => Promise<Buffer[]>;
  /** For identities: the fingerprints of the stores that they are known to open. */
  readonly pins?: () => Promise<readonly string[]>;
}

/**
 * One way to unlock a store; made by `passphrase`, `rawKey`, `recoveryCode`, `shares`, `identity`, `keyWrapper`, or the
 * facade's `keyFile` and `identityFile`.
 */
export type UnlockMethod = UnlockSecretMethod | KeyWrapperMethod;

export const MAX_SECRET_BYTES: number = 1024 * 1024;
/** Shorter ones are passphrases and not keys, and need a slow function. */
export const MIN_KEY_FILE_BYTES = 32;
const RAW_KEY_BYTES = 32;

async function fetchSecret(source: UnlockSecretSource): Promise<unknown> {
  return typeof source === 'function' ? source() : source;
}

/** A copy of a secret that is not text: what people invent needs a slow function, so only passphrases may be text. */
function secretBytes(source: UnlockSecretSource): () => Promise<Buffer> {
  return async () => {
    const given = await fetchSecret(source);
    if (given instanceof Uint8Array) return copySecret(given);
    throw new SecureStoreError('INVALID_ARGUMENT', 'the secret must be a Uint8Array, or a function that gives one');
  };
}

/** @param what the secret is, for messages */
export function secretText(source: UnlockSecretSource, what: string): () => Promise<Buffer> {
  return async () => {
    const given = await fetchSecret(source);
    if (given instanceof Uint8Array) return copySecret(given);
    if (typeof given !== 'string') {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        `${what} must be a string, a Uint8Array, or a function that gives one`,
      );
    }
    // Encoding it would replace the surrogate, and other passphrases would open the store too.
    if (!given.isWellFormed()) {
      throw new SecureStoreError('INVALID_ARGUMENT', `${what} must not have a lone surrogate, which UTF-8 cannot hold`);
    }
    return Buffer.from(given, 'utf8');
  };
}

function checked(read: () => Promise<Buffer>, check: (length: number) => string | undefined): () => Promise<Buffer> {
  return async () => {
    const secret = await read();
    const problem = secret.length > MAX_SECRET_BYTES ? 'must have at most 1 MiB' : check(secret.length);
    if (problem === undefined) return secret;
    secret.fill(0);
    throw new SecureStoreError('INVALID_ARGUMENT', `the secret ${problem}`);
  };
}

/** A secret that is read from a text, which is wiped. */
export function derivedSecret(read: () => Promise<Buffer>, derive: (text: Buffer) => Buffer): () => Promise<Buffer> {
  return async () => {
    const text = await read();
    try {
      return derive(text);
    } finally {
      text.fill(0);
    }
  };
}

/**
 * Unlocks by a passphrase, through Argon2id (RFC 9106). It is taken byte for byte: no normalisation, no trimming.
 */
export function passphrase(secret: UnlockSecretSource): UnlockSecretMethod {
  return {
    type: 'passphrase',
    secret: checked(secretText(secret, 'a passphrase'), (length) =>
      length === 0 ? 'must not be an empty passphrase' : undefined,
    ),
  };
}

/** Unlocks by 32 random bytes. */
export function rawKey(key: Uint8Array | (() => Uint8Array | Promise<Uint8Array>)): UnlockSecretMethod {
  return {
    type: 'rawKey',
    secret: checked(secretBytes(key), (length) =>
      length === RAW_KEY_BYTES ? undefined : `must be a raw key of ${RAW_KEY_BYTES} bytes, got ${length}`,
    ),
  };
}

/** Unlocks by the whole contents of a file of at least 32 unpredictable bytes. */
export function keyFileContents(contents: () => Promise<Uint8Array>): UnlockSecretMethod {
  return {
    type: 'keyFile',
    secret: checked(secretBytes(contents), (length) =>
      length >= MIN_KEY_FILE_BYTES
        ? undefined
        : `must be a key file of at least ${MIN_KEY_FILE_BYTES} bytes, got ${length}`,
    ),
  };
}
