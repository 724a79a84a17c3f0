import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { RandomSource } from '@securestore/crypto';
import { refuse } from '../repository/errors.ts';

const NONCE = 12;
const TAG = 16;
const CIPHER = 'aes-256-gcm';
/** The longest that is looked at, in characters. */
const MAX_LENGTH = 4096;

/** How long what is sealed is: as long for each name, but for a few that JSON makes much longer. */
const SIZES = [1280, 3040] as const;

/** Where a page ended: at a name, in a large folder with the number of what was listed, or at a token in the order of the store. */
export type PageEnd = { readonly name: string; readonly listing?: number } | { readonly token: string };

function isEnd(value: unknown): value is PageEnd {
  if (typeof value !== 'object' || value === null) return false;
  const end = value as { readonly name?: unknown; readonly token?: unknown };
  return typeof end.name === 'string' || typeof end.token === 'string';
}

/**
 * Where pages go on, sealed: a page may end at a name that its reader may not know of. It is bound to what was asked for, and good as long as
 * this process.
 */
export class PageSeal {
  readonly #key: KeyObject;
  readonly #random: RandomSource;
  #numbers = 0;

  constructor(random: RandomSource) {
    this.#random = random;
    this.#key = createSecretKey(Buffer.from(random(32)));
  }

  /** One that was given to nothing else, to be told in what is sealed; never 0. */
  number(): number {
    return ++this.#numbers;
  }

  /** @param request what the listing is of */
  seal(end: PageEnd, request: readonly unknown[]): string {
    const nonce = Buffer.from(this.#random(NONCE));
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG }).setAAD(aboutOf(request));
    const sealed = Buffer.concat([cipher.update(padded(JSON.stringify(end))), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** @throws SecureStoreError `INVALID_ARGUMENT` for what this process has not sealed for such a listing */
  open(text: string | undefined, request: readonly unknown[]): PageEnd | undefined {
    if (text === undefined) return undefined;
    const bytes =
      typeof text === 'string' && text.length <= MAX_LENGTH ? Buffer.from(text, 'base64url') : Buffer.alloc(0);
    try {
      if (bytes.length > NONCE + TAG) {
        const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE), { authTagLength: TAG })
          .setAAD(aboutOf(request))
          .setAuthTag(bytes.subarray(-TAG));
        const opened = Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]);
        const end: unknown = JSON.parse(opened.toString('utf8'));
        if (isEnd(end)) return end;
      }
    } catch {
      // As below.
    }
    return refuse('the option "after" is of no page of this listing, or from before a restart: begin anew without it');
  }
}

/** Followed by spaces: the length of a name tells something of it. */
function padded(text: string): Buffer {
  const bytes = Buffer.from(text);
  const size = SIZES.find((one) => bytes.length <= one) ?? bytes.length;
  return Buffer.concat([bytes], size).fill(' ', bytes.length);
}

function aboutOf(request: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(request));
}
