import { SecureStoreError } from '@securestore/core-format';
import { loadSodium } from './sodium.ts';
import { suite1 } from './suite-1.ts';
import { suite2 } from './suite-2.ts';

/** Seals and opens the numbered chunks of one blob. */
export interface ChunkCipher {
  /** `ciphertext ‖ tag`. Each index is sealed at most once under one key. */
  seal(index: number, plaintext: Uint8Array): { readonly ciphertext: Buffer; readonly tag: Buffer };
  /** The plaintext; `undefined` where the tag doesn't match, and then nothing of it was released. */
  open(index: number, sealed: Uint8Array): Buffer | undefined;
}

/**
 * A set of algorithms. A key version states its suite, and it is compared with the record's before any primitive runs:
 * nothing is ever chosen by what an unauthenticated header says.
 */
export interface Suite {
  readonly id: number;
  /**
   * A pseudo-random function of 64 bytes: payload key and commitment. The result is the caller's to wipe.
   *
   * @param input the label, the length of the header, the header, and the byte 1; see `expandInput`
   */
  expand(key: Uint8Array, input: Uint8Array): Buffer;
  /** One AEAD message under a key that is used once: `ciphertext ‖ tag`, written to `out` from `at`. */
  sealOnce(key: Uint8Array, plaintext: Uint8Array, out: Buffer, at: number): void;
  /** The plaintext; `undefined` where the tag doesn't match, and then nothing of it was released. */
  openOnce(key: Uint8Array, sealed: Uint8Array): Buffer | undefined;
  chunkCipher(key: Uint8Array): ChunkCipher;
}

/** The suites that this release has, ascending. The first is the default of new stores. */
export const SUITE_IDS: readonly number[] = [1, 2];

const ready = new Map<number, Suite>([[suite1.id, suite1]]);

/** Loads what the suites with these ids need; those that this release doesn't have are left to {@link suiteOf}. */
export async function loadSuites(ids: readonly number[]): Promise<void> {
  if (ids.includes(2) && !ready.has(2)) ready.set(2, suite2(await loadSodium()));
}

/**
 * A suite that has been loaded: 1 always is, others by {@link loadSuites}.
 *
 * @throws SecureStoreError `FORMAT_VERSION` for a suite that this release doesn't have
 */
export function suiteOf(id: number): Suite {
  const suite = ready.get(id);
  if (suite !== undefined) return suite;
  if (SUITE_IDS.includes(id)) throw new SecureStoreError('INTERNAL', `suite ${id} is used before it was loaded`);
  throw new SecureStoreError('FORMAT_VERSION', `suite ${id} is unknown to this release. A newer release may be needed`);
}
