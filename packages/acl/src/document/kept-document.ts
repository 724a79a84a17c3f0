import type { CallOptions } from '@securestore/objects';
import type { NextPolicy, PolicyObject } from '@securestore/objects/internal';
import type { StoredToken } from '../authentication/api-tokens.ts';
import { Decider } from '../policy/decide.ts';
import type { AccessDocument } from './document.ts';
import { decodeDocument, encodeDocument } from './document.ts';
import { whenToBring } from './backup-urgency.ts';

/** What one document makes possible; thrown away with it. */
interface Loaded extends AccessDocument {
  readonly bytes: Uint8Array | undefined;
  readonly decider: Decider;
  readonly tokensById: ReadonlyMap<string, StoredToken>;
}

/** What a change makes of a document. */
export interface Change<T> {
  /** `undefined` where nothing is to be changed. */
  readonly document: AccessDocument | undefined;
  readonly result: T;
}

/** What became of a change. */
export interface Changed<T> extends AccessChange {
  readonly result: T;
}

/** What became of a change of who may do what. */
export interface AccessChange {
  /**
   * Destinations of backups, without credentials, that it could not be brought to: a store that is restored from there has access as it was
   * before. Empty if it takes nothing away from anybody. A store that stays open tries again, and the next backup there brings it.
   */
  readonly pending: readonly string[];
}

/** The document about access in a store. */
export class KeptDocument {
  readonly #object: PolicyObject;
  #loaded: Loaded | undefined;

  constructor(object: PolicyObject) {
    this.#object = object;
  }

  /** As it is known now. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
  known(): Loaded {
    const bytes = this.#object.current;
    if (this.#loaded === undefined || this.#loaded.bytes !== bytes) {
      const document = decodeDocument(bytes);
      const tokensById = new Map(document.tokens.map((token) => [token.id, token]));
      this.#loaded = { ...document, bytes, decider: new Decider(document.policy), tokensById };
    }
    return this.#loaded;
  }

  /** @throws as {@link PolicyObject.refresh} and {@link known} */
  async newest(signal?: AbortSignal): Promise<Loaded> {
    await this.#object.refresh(signal);
    return this.known();
  }

  /**
   * Changes it, in one change of the head.
   *
   * @param operation what this is called in errors
   * @param next is asked anew where another change comes first
   * @returns what the last `next` gave as its result, and what became of it elsewhere
   * @throws as {@link PolicyObject.change}, and what `next` throws
   */
  async change<T>(
    operation: string,
    next: (document: AccessDocument) => Change<T>,
    options?: CallOptions,
  ): Promise<Changed<T>> {
    const last: T[] = [];
    const nextPolicy = (bytes: Uint8Array | undefined): NextPolicy | undefined => {
      const before = decodeDocument(bytes);
      const { document, result } = next(before);
      last.splice(0, 1, result);
      return document && { policy: encodeDocument(document), bring: whenToBring(before, document) };
    };
    const { pending } = await this.#object.change(operation, nextPolicy, options);
    const [result] = last;
    return { result: result as T, pending };
  }
}
