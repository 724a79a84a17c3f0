import { setTimeout as wait } from 'node:timers/promises';
import type { Advice } from '@securestore/core-format';
import { isLoopback, SecureStoreError } from '@securestore/core-format';
import { fromProblem, JSON_TYPE, PROBLEM_TYPE } from '@securestore/protocol';
import type { Dispatcher } from 'undici';
import { Agent } from 'undici';
import type { TlsMaterial } from './tls.ts';

/** What is asked of a server. */
export interface Ask {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  /** Whether it changes nothing, so that it has done nothing if no answer came. */
  readonly readOnly: boolean;
}

/** An answer that has begun. */
export type Answer = Dispatcher.ResponseData;

/** Gives the token for a request: asked each time, so that one that is about to expire can be replaced. */
export type TokenSource = () => string | Promise<string>;

export interface TransportSettings {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly token: TokenSource | undefined;
  /** Certificates of authorities, and a certificate of one's own, in PEM, as {@link checkedTls} gives them. */
  readonly tls?: TlsMaterial | undefined;
  /** Connections at once. */
  readonly connections?: number | undefined;
}

/** As long as the longest metadata, some times over. */
const MAX_HEADER_BYTES = 64 * 1024;
/** The most of an error that is read, in bytes. */
const MAX_ERROR_BYTES = 256 * 1024;
/** The longest answer that is gathered, in bytes: far more than any page, report or log has. What is longer has no end. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
/** How long what is left of an answer is read, so that its connection can be used again. */
const DRAIN_MS = 1000;

/** Problems before anything was sent: the server has seen nothing. */
const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What is wrong with the certificate that a server has shown. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const NO_TLS: ReadonlySet<string> = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);

type Unsent = readonly [message: string, advice?: Advice | undefined];

/** Why there is no connection on which something could have been sent; `undefined` if there may have been one. */
function unsent(code: string, origin: string): Unsent | undefined {
  if (UNSENT.has(code)) return [`the server at ${origin} cannot be reached (${code})`, { id: 'try-again' }];
  if (NO_TLS.has(code)) {
    const message = `the server at ${origin} does not use TLS (${code})`;
    // Elsewhere, a store URL must begin with https:.
    if (!isLoopback(new URL(origin).hostname)) return [message];
    return [message, { id: 'give-store-url', form: origin.replace(/^https:/, 'http:') }];
  }
  if (!UNTRUSTED.has(code)) return undefined;
  return [`the certificate of the server at ${origin} is not trusted (${code})`, { id: 'give-tls-ca' }];
}

function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  return typeof code === 'string' ? code : cause === undefined ? '' : codeOf(cause);
}

/** Speaks HTTP with one server. */
export class Transport {
  readonly origin: string;
  readonly #agent: Agent;
  /** Whether a server has answered by HTTP. */
  #hasAnswered = false;
  readonly #token: TokenSource | undefined;

  constructor({ origin, token, tls, connections = 128 }: TransportSettings) {
    this.origin = origin;
    this.#token = token;
    this.#agent = new Agent({
      connections,
      maxHeaderSize: MAX_HEADER_BYTES,
      // The caller ends a request that takes too long.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { ca: tls?.ca, cert: tls?.cert, key: tls?.key, timeout: 10_000 },
    });
  }

  /**
   * Sends a request, and resolves when the answer begins.
   *
   * @throws SecureStoreError what the server says; `UNAVAILABLE` if it can't be reached, `outcome: 'unknown'` if something may have
   *   been done
   */
  async ask({ readOnly, ...request }: Ask): Promise<Answer> {
    request.signal?.throwIfAborted();
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${await this.#token()}` };
    let answer: Answer;
    try {
      answer = await this.#agent.request({
        origin: this.origin,
        method: request.method,
        path: request.path,
        headers: { ...authorization, ...request.headers },
        body: (request.body as Dispatcher.DispatchOptions['body']) ?? null,
        signal: request.signal ?? null,
      });
    } catch (error) {
      throw this.failure(error, readOnly, request.signal);
    }
    this.#hasAnswered = true;
    if (answer.statusCode < 300) return answer;
    throw await this.#refusal(answer, readOnly);
  }

  /** The body of an answer as JSON. @throws SecureStoreError as {@link ask} */
  async json({ headers, body }: Answer, { readOnly, signal }: Pick<Ask, 'readOnly' | 'signal'>): Promise<unknown> {
    if (!String(headers['content-type'] ?? '').startsWith(JSON_TYPE)) {
      await discard(body);
      throw this.#foreign(200);
    }
    try {
      return JSON.parse(await textOf(body, MAX_ANSWER_BYTES)) as unknown;
    } catch (error) {
      throw this.failure(error, readOnly, signal);
    }
  }

  /** The error of a request that was not answered, or not to the end. An error of ours stays as it is. */
  failure(error: unknown, readOnly: boolean, signal: AbortSignal | undefined): unknown {
    const code = codeOf(error);
    const known = unsent(code, this.origin);
    const outcome = readOnly || known !== undefined ? undefined : 'unknown';
    if (signal?.aborted === true) return new SecureStoreError('ABORTED', 'the call was aborted', { outcome });
    if (SecureStoreError.is(error)) return error;
    const ended: Unsent = [
      `the server at ${this.origin} has ended the connection (${code || 'no answer'})`,
      // A server with TLS ends a connection without it at once.
      this.#hasAnswered || !this.origin.startsWith('http:') ? undefined : { id: 'give-store-url', form: 'https:…' },
    ];
    const [message, ...advice] = known ?? ended;
    // Not with the cause: what it holds is for undici to say, and may be the request.
    return new SecureStoreError('UNAVAILABLE', message, { outcome, advice: advice.filter((one) => one !== undefined) });
  }

  #foreign(status: number): SecureStoreError {
    const retryable = status >= 500;
    const message = `the server at ${this.origin}, or a proxy in front of it, is not a securestore server (status ${status})`;
    return new SecureStoreError('UNAVAILABLE', message, { retryable });
  }

  async #refusal({ statusCode, headers, body }: Answer, readOnly: boolean): Promise<SecureStoreError> {
    const fallback = this.#foreign(statusCode);
    if (!String(headers['content-type'] ?? '').startsWith(PROBLEM_TYPE)) {
      await discard(body);
      return fallback;
    }
    try {
      return fromProblem(JSON.parse(await textOf(body, MAX_ERROR_BYTES)), fallback);
    } catch {
      const outcome = readOnly || statusCode < 500 ? undefined : 'unknown';
      return new SecureStoreError('UNAVAILABLE', fallback.message, { outcome });
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** @throws Error if it is longer than `most` bytes */
async function textOf(body: Answer['body'], most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > most) throw Object.assign(new Error('too long'), { code: 'the answer is too long' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function discard(body: Answer['body']): Promise<void> {
  const ended = new AbortController();
  const late = wait(DRAIN_MS, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
  await Promise.race([body.dump().catch(() => undefined), late]);
  ended.abort();
}
