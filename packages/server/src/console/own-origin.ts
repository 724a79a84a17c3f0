import type { IncomingMessage } from 'node:http';
import { isLoopback, SecureStoreError } from '@securestore/core-format';

const HOST = /^[A-Za-z0-9._-]+(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/;

function refuse(message: string): never {
  throw new SecureStoreError('ACCESS_DENIED', message);
}

/** The value of a header that occurs exactly once; otherwise `undefined`. */
function onceIn({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  const found: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) found.push(rawHeaders[at + 1] ?? '');
  }
  return found.length === 1 ? found[0] : undefined;
}

/** Whether a page has a browser ask, with what that sends by itself: a certificate goes along with an image of another page. */
function isAskedForByPage(site: unknown): boolean {
  return site !== undefined && site !== 'none';
}

/** Tells requests of the pages of this server from those of others. */
export class OwnOrigin {
  readonly #isSecure: boolean;
  readonly #given: string | undefined;

  /**
   * @param isSecure whether browsers reach the server over TLS
   * @param given where that is, if `Host` does not tell it
   * @throws SecureStoreError `INVALID_ARGUMENT` if that is no origin
   */
  constructor(isSecure: boolean, given: string | undefined) {
    this.#isSecure = isSecure;
    this.#given = given;
    if (given === undefined) return;
    const url = URL.canParse(given) ? new URL(given) : undefined;
    const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
    if (url?.origin === given && isSafe) return;
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      'the origin of the console must be https:// with a host and a port at most, such as https://vault.example.com',
    );
  }

  /** Whether cookies may be kept to what is sent over TLS. */
  get isSecure(): boolean {
    return this.#given?.startsWith('https:') ?? this.#isSecure;
  }

  /** Where the browser that sends a request is; `undefined` if that is no name of this server. */
  of(request: IncomingMessage): string | undefined {
    if (this.#given !== undefined) return this.#given;
    const host = onceIn(request, 'host');
    if (host === undefined || !HOST.test(host)) return undefined;
    const url = new URL(`${this.#isSecure ? 'https' : 'http'}://${host}`);
    // Over TLS the certificate vouches for the name. Without it any name of somebody's can lead to this machine.
    return this.#isSecure || isLoopback(url.hostname) ? url.origin : undefined;
  }

  /**
   * Refuses what another page has a browser send.
   *
   * @param isForPages whether it is meant for pages of this server at all
   * @throws SecureStoreError `ACCESS_DENIED`
   */
  check(request: IncomingMessage, isForPages: boolean): void {
    const { origin } = request.headers;
    if (origin !== undefined && (!isForPages || onceIn(request, 'origin') !== this.of(request))) {
      refuse('requests from pages of another origin are refused');
    }
    const { 'sec-fetch-site': site, authorization } = request.headers;
    if (
      isForPages ? site !== undefined && site !== 'same-origin' : isAskedForByPage(site) && authorization === undefined
    ) {
      refuse('requests that another page makes a browser send are refused');
    }
  }
}
