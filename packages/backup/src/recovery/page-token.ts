import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { RandomSource } from '@securestore/crypto';
import { refuseOption } from '../repository/errors.ts';

const NONCE = 12;
const TAG = 16;
const CIPHER = 'aes-256-gcm';
/** The longest token that is read, in characters. */
const MAX_LENGTH = 4096;

/** Lengths of encrypted tokens: the same for each name, except a few that JSON makes much longer. */
const SIZES = [1280, 3040] as const;

/** Where a page ended: at a name, in a large folder with the number of what was listed, or at a token in the order of the store. */
export type PageEnd = { readonly name: string; readonly listing?: number } | { readonly token: string };

function isEnd(value: unknown): value is PageEnd {
  if (typeof value !== 'object' || value === null) return false;
  const end = value as { readonly name?: unknown; readonly token?: unknown };
  return typeof end.name === 'string' || typeof end.token === 'string';
}

/**
 * Encrypts where the next page begins, since a page may end at a name that its reader may not see. A token is bound to its listing, and
 * valid as long as this process runs.
 */
export class PageSeal {
  readonly #key: KeyObject;
  readonly #random: RandomSource;
  #numbers = 0;

  constructor(random: RandomSource) {
    this.#random = random;
    this.#key = createSecretKey(Buffer.from(random(32)));
  }

  /** A number that was given to nothing else, never 0. */
  number(): number {
    return ++this.#numbers;
  }

  /** @param request the parameters of the listing */
  seal(end: PageEnd, request: readonly unknown[]): string {
    const nonce = Buffer.from(this.#random(NONCE));
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG }).setAAD(aboutOf(request));
    const sealed = Buffer.concat([cipher.update(padded(JSON.stringify(end))), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** @throws SecureStoreError `INVALID_ARGUMENT` for a token that this process has not made for this listing */
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
    return refuseOption('after', 'must come from a page of the same listing, made since this process started');
  }
}

/** Padded with spaces, since its length would tell something of the name. */
function padded(text: string): Buffer {
  const bytes = Buffer.from(text);
  const size = SIZES.find((one) => bytes.length <= one) ?? bytes.length;
  return Buffer.concat([bytes], size).fill(' ', bytes.length);
}

function aboutOf(request: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(request));
}
