import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { HEADERS, REQUEST_ID } from '@securestore/protocol';

const ID_BYTES = 12;
/** Random bytes for so many ids are drawn at once: each draw costs as much as reading a header. */
const DRAWN_IDS = 256;

/** What tells requests in the logs of both sides: what the caller has chosen, or something random. */
export class RequestIds {
  #drawn: Buffer = Buffer.alloc(0);
  #at = 0;

  of({ headers }: { readonly headers: IncomingHttpHeaders }): string {
    const given = headers[HEADERS.requestId];
    return typeof given === 'string' && REQUEST_ID.test(given) ? given : this.#next();
  }

  #next(): string {
    if (this.#at === this.#drawn.length) {
      this.#drawn = randomBytes(ID_BYTES * DRAWN_IDS);
      this.#at = 0;
    }
    const from = this.#at;
    this.#at += ID_BYTES;
    return this.#drawn.toString('base64url', from, this.#at);
  }
}
