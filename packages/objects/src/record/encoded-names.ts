import type { StoreKey } from '@securestore/core-format';
import { AREAS, TOMBSTONE_LENGTH } from '@securestore/core-format';
import type { NameCipher } from '@securestore/crypto';

/** Sorts after every name below a folder: `~` is the greatest character of a backend name. */
const PAST_FOLDER = '/~~';

/** What names and the tokens that stand for them at a backend have to do with each other. */
export class TokenNames {
  readonly #cipher: () => NameCipher;

  /** @param cipher asked at each use: a store may get another one */
  constructor(cipher: () => NameCipher) {
    this.#cipher = cipher;
  }

  /** The name that a token says; `undefined` where only a live record would tell it. @throws SecureStoreError `INTEGRITY` */
  nameIn(token: string): string | undefined {
    const named = this.#cipher().open(token);
    return 'hidden' in named ? undefined : named.name;
  }

  /** The token of an object. */
  tokenOf(key: StoreKey): string {
    return this.#cipher().locate(key).token;
  }

  /** What the tokens of all names begin with that begin with `prefix`: of the deepest folder above it that shows, with `/`; '' for the root. */
  folderOf(prefix: string): string {
    const folder = this.#cipher().visibleFolder(prefix);
    return folder === '' ? '' : `${folder}/`;
  }
}

/** The token after all of those in the folder that a token lies in, at a depth; `undefined` where it lies in none. @param within what the folder lies in, with `/` */
export function pastFolder(token: string, within: string): string | undefined {
  const slash = token.indexOf('/', within.length);
  return slash === -1 ? undefined : token.slice(0, slash) + PAST_FOLDER;
}

/** Whether a record of this size is that of something deleted. */
export function isTombstoneSize(size: number): boolean {
  return size === TOMBSTONE_LENGTH;
}

/** The token in the name of a record. */
export function tokenIn(name: string): string {
  return name.slice(AREAS.objects.length);
}
