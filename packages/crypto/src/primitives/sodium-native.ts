import { delimiter, join, sep } from 'node:path';
import { secretBytes, TAG_LENGTH } from '@securestore/core-format';
import type { Sodium } from './sodium.ts';

/** What is used of `sodium-native`, which has no types. Its functions write to buffers that they are given, and keep no copies. */
interface Native {
  crypto_aead_xchacha20poly1305_ietf_encrypt(
    out: Uint8Array,
    plaintext: Uint8Array,
    data: null,
    secretNonce: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  crypto_aead_xchacha20poly1305_ietf_decrypt(
    out: Uint8Array,
    secretNonce: null,
    sealed: Uint8Array,
    data: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  crypto_generichash(out: Uint8Array, input: Uint8Array, key: Uint8Array): void;
  crypto_box_seal(out: Uint8Array, plaintext: Uint8Array, publicKey: Uint8Array): void;
  crypto_box_seal_open(out: Uint8Array, sealed: Uint8Array, publicKey: Uint8Array, privateKey: Uint8Array): boolean;
  readonly crypto_box_SEALBYTES: number;
}

/** The outermost `node_modules` of a path: the installation that a package belongs to. */
const INSTALLATION = /^.*?[/\\]node_modules[/\\]/;

/**
 * The addon, if it is installed and made for this platform. Node looks for a package in the folders above the installation, too, which
 * other users may write: only one of the installation itself is loaded, or one in a folder that the user names in `NODE_PATH`.
 */
function load(require: NodeJS.Require, own: string): Native | undefined {
  try {
    const found = require.resolve('sodium-native');
    const named = process.env['NODE_PATH']?.split(delimiter).filter((folder) => folder !== '') ?? [];
    const folders = [...(INSTALLATION.exec(own) ?? []), ...named.map((folder) => join(folder, sep))];
    return folders.some((folder) => found.startsWith(folder)) ? (require(found) as Native) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * libsodium through `sodium-native`; `undefined` if that is not installed.
 *
 * @param own a file of the installation whose packages may be loaded
 */
export function nativeSodium(require: NodeJS.Require, own: string): Sodium | undefined {
  const native = load(require, own);
  if (native === undefined) return undefined;
  const open = (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer | undefined => {
    if (sealed.length < TAG_LENGTH) return undefined;
    const plaintext = secretBytes(sealed.length - TAG_LENGTH);
    try {
      native.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, sealed, null, nonce, key);
      return plaintext;
    } catch {
      return undefined;
    }
  };
  return {
    seal(key, nonce, plaintext, out, at) {
      const target = out.subarray(at, at + plaintext.length + TAG_LENGTH);
      native.crypto_aead_xchacha20poly1305_ietf_encrypt(target, plaintext, null, null, nonce, key);
    },
    open,
    hash(length, key, input) {
      const result = secretBytes(length);
      native.crypto_generichash(result, input, key);
      return result;
    },
    sealBox(plaintext, publicKey) {
      const sealed = Buffer.alloc(plaintext.length + native.crypto_box_SEALBYTES);
      native.crypto_box_seal(sealed, plaintext, publicKey);
      return sealed;
    },
    openBox(sealed, publicKey, privateKey) {
      if (sealed.length < native.crypto_box_SEALBYTES) return undefined;
      const plaintext = secretBytes(sealed.length - native.crypto_box_SEALBYTES);
      return native.crypto_box_seal_open(plaintext, sealed, publicKey, privateKey) ? plaintext : undefined;
    },
  };
}
