import { type CallSite, abortedError, optionError, timeoutError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { Storage } from '@google-cloud/storage';
import { type AuthClient, GoogleAuth, JWT, PassThroughClient } from 'google-auth-library';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from './exchange.ts';
import { answerError, toStoreError } from './errors.ts';
import { type Target, ENDPOINT_RULE, isEndpoint } from './location.ts';
import type { Settings } from './settings.ts';

/** How long calls under way may take to end when the connection is closed. */
const CLOSE_LIMIT_MS = 2_000;
/** The largest answer that is read: a body, or a page of a listing. */
const MAX_ANSWER = 16 * 1024 * 1024;
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';

/** One request. */
export interface Call {
  readonly site: CallSite;
  /** Whether it changes something. */
  readonly mutates: boolean;
  readonly signal: AbortSignal | undefined;
}

/** What is asked of the JSON API, https://cloud.google.com/storage/docs/json_api. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly data?: Buffer;
  readonly responseType: 'json' | 'arraybuffer';
}

export interface ApiResponse<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: T;
}

/** The used parts of a `Storage`: the address of the service, and the client with the credentials. */
export type StorageClient = Pick<
  Storage,
  'apiEndpoint' | 'authClient' | 'customEndpoint' | 'useAuthWithCustomEndpoint'
>;

/** Whether `value` is a `Storage` of `@google-cloud/storage`, also of another copy of it. */
export function isStorageClient(value: unknown): value is StorageClient {
  if (typeof value !== 'object' || value === null) return false;
  const { apiEndpoint, authClient } = value as { apiEndpoint?: unknown; authClient?: { request?: unknown } };
  return typeof apiEndpoint === 'string' && typeof authClient?.request === 'function';
}

/**
 * The way to the service. The calls of the SDK can neither be aborted nor be kept to some connections, and do not show the
 * clock of the service, so requests are sent through the client below it. It sends nothing twice: that is for a layer above.
 */
export class Connection {
  readonly endpoint: string;
  readonly #auth: GoogleAuth | AuthClient;
  readonly #agent: HttpAgent;
  readonly #secrets: readonly string[];
  readonly #timeout: number;
  readonly #running = new Set<Promise<unknown>>();

  /** @throws SecureStoreError `INVALID_ARGUMENT` */
  constructor(target: Target, settings: Settings, lent: StorageClient | undefined) {
    const client = lent ?? createClient(target, settings);
    this.endpoint = client.apiEndpoint.replace(/\/+$/, '');
    // The SDK does the same: a custom endpoint gets no credentials unless that is set.
    const anonymous = client.customEndpoint && client.useAuthWithCustomEndpoint !== true;
    this.#auth = anonymous ? new PassThroughClient() : client.authClient;
    this.#agent = agentFor(this.endpoint, settings);
    this.#secrets = [settings.credentials?.private_key].filter((secret) => secret !== undefined);
    this.#timeout = settings.timeout;
  }

  async send<T>(request: ApiRequest, signal: AbortSignal): Promise<ApiResponse<T>> {
    const { path, headers, ...rest } = request;
    const url = `${this.endpoint}${path}`;
    const answer = await this.#auth.request<T>({
      ...rest,
      url,
      // Bytes as they are stored.
      headers: { 'accept-encoding': 'identity', ...headers },
      retry: false,
      fetchImplementation: async (target: Parameters<typeof fetch>[0], init: RequestInit = {}) => {
        const to = new URL(target instanceof Request ? target.url : target);
        return exchange({ agent: this.#agent, signal, maxBytes: MAX_ANSWER }, to, init);
      },
      // After 401 the client gets a fresh token; what else is an error, it would not always tell.
      validateStatus: (status) => status !== 401,
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw answerError(url, answer);
  }

  /**
   * Does one request within the time limit and until the signal is aborted.
   *
   * @param work - must hand the signal that it gets to {@link send}
   * @throws SecureStoreError
   */
  async run<T>({ site, mutates, signal }: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = AbortSignal.timeout(this.#timeout);
    const cut = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    const running = unlessAborted(work(cut), cut);
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(settled);
    try {
      return await running;
    } catch (error) {
      if (SecureStoreError.is(error)) throw error;
      const outcome = mutates ? 'unknown' : undefined;
      if (signal?.aborted === true) throw abortedError(site, signal.reason, outcome);
      if (limit.aborted) throw timeoutError(site, this.#timeout, outcome);
      throw toStoreError(error, { ...site, mutates, endpoint: this.endpoint, secrets: this.#secrets });
    } finally {
      this.#running.delete(settled);
    }
  }

  /** Ends the connections, after the answers to what was sent. */
  async close(): Promise<void> {
    const limit = new AbortController();
    const late = sleep(CLOSE_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#running), late]);
    limit.abort();
    this.#agent.destroy();
  }
}

function createClient(target: Target, { endpoint: option, credentials }: Settings): StorageClient {
  const endpoint = target.endpoint ?? option;
  if (endpoint !== undefined && !isEndpoint(endpoint)) throw optionError('gcs', 'endpoint', `be ${ENDPOINT_RULE}`);
  const place =
    endpoint === undefined ? {} : { apiEndpoint: endpoint, useAuthWithCustomEndpoint: endpoint.startsWith('https:') };
  return new Storage({ ...place, authClient: authOf(credentials) });
}

function authOf(credentials: Settings['credentials']): AuthClient | GoogleAuth {
  if (credentials !== undefined) {
    const jwt = new JWT({ email: credentials.client_email, key: credentials.private_key, scopes: [SCOPE] });
    jwt.useJWTAccessWithScope = true;
    return jwt;
  }
  const auth = new GoogleAuth({ scopes: [SCOPE] });
  // A service account signs its tokens itself: that saves a request, and another service that may fail.
  auth.useJWTAccessWithScope = true;
  return auth;
}

function agentFor(endpoint: string, { ca, poolSize }: Settings): HttpAgent {
  // HTTPS_PROXY and its like.
  const proxyEnv = process.env;
  const options = { keepAlive: true, maxSockets: poolSize, maxFreeSockets: poolSize, proxyEnv };
  if (!endpoint.startsWith('https:')) return new HttpAgent(options);
  return new HttpsAgent(ca === undefined ? options : { ...options, ca });
}

/** A credential that looks for a token does not hear the signal. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  // The reason is the caller's, and may be any error.
  const abort = (): void => reject(new Error('the signal was aborted'));
  signal.addEventListener('abort', abort, { once: true });
  // The work may fail later, when no caller waits for it any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
