import { type CallSite, abortedError, timeoutError } from '@securestore/backend-api';
import { BlobServiceClient, ContainerClient, type StoragePipelineOptions } from '@azure/storage-blob';
import { SecureStoreError } from '@securestore/core-format';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Access, resolveAccess } from './access.ts';
import { toStoreError } from './errors.ts';
import type { Target } from './location.ts';
import type { Settings } from './settings.ts';

/** How long calls under way may take to end when the connection is closed. */
const CLOSE_LIMIT_MS = 2_000;

/** One request. */
export interface Call {
  readonly site: CallSite;
  /** Whether it changes something. */
  readonly mutates: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A client of the caller's: of the service, or of the container that the store URL names. */
type LentClient = BlobServiceClient | ContainerClient;

/** Whether `value` is a client of `@azure/storage-blob`, also of another copy of it. */
export function isBlobClient(value: unknown): value is LentClient {
  if (typeof value !== 'object' || value === null) return false;
  return has(value, 'getContainerClient') || (has(value, 'getBlockBlobClient') && has(value, 'listBlobsFlat'));
}

function has(value: object, method: string): boolean {
  return typeof (value as Record<string, unknown>)[method] === 'function';
}

/** The container of a store, and the connections to it. It sends nothing twice: that is for a layer above. */
export class Connection {
  readonly container: ContainerClient;
  /** Whether the client is the caller's, who may have set it up to send requests again. */
  readonly lent: boolean;
  readonly #agent: HttpAgent | undefined;
  readonly #secrets: readonly string[];
  readonly #timeout: number;
  readonly #running = new Set<Promise<unknown>>();

  private constructor(
    container: ContainerClient,
    timeout: number,
    own?: { agent: HttpAgent; secrets: readonly string[] },
  ) {
    this.container = container;
    this.lent = own === undefined;
    this.#agent = own?.agent;
    this.#secrets = own?.secrets ?? [];
    this.#timeout = timeout;
  }

  /** @throws SecureStoreError `INVALID_ARGUMENT` */
  static async open(target: Target, settings: Settings, client: LentClient | undefined): Promise<Connection> {
    if (client !== undefined) return new Connection(lentContainer(client, target), settings.timeout);
    const access = await resolveAccess(target, settings);
    const agent = agentFor(access, settings);
    // The SDK hands these on to its pipeline, which knows agents.
    const options: StoragePipelineOptions & { agent: HttpAgent } = { agent, retryOptions: { maxTries: 1 } };
    const service = new BlobServiceClient(access.url, access.credential, options);
    const { secrets } = access;
    return new Connection(service.getContainerClient(target.container), settings.timeout, { agent, secrets });
  }

  /**
   * Does one request within the time limit and until the signal is aborted.
   *
   * @param work - must hand the signal that it gets to the SDK
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
      throw toStoreError(error, { ...site, mutates, secrets: this.#secrets });
    } finally {
      this.#running.delete(settled);
    }
  }

  /** Ends our own connections, after the answers to what was sent; the caller's client stays as it is. */
  async close(): Promise<void> {
    const limit = new AbortController();
    const late = sleep(CLOSE_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#running), late]);
    limit.abort();
    this.#agent?.destroy();
  }
}

function lentContainer(client: LentClient, { container }: Target): ContainerClient {
  if ('getContainerClient' in client) return client.getContainerClient(container);
  if (client.containerName === container) return client;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `azure: the client is for the container ${client.containerName}, but the store URL names ${container}`,
    { backend: 'azure', operation: 'init' },
  );
}

function agentFor({ url }: Access, { ca, poolSize }: Settings): HttpAgent {
  // HTTPS_PROXY and its like.
  const proxyEnv = process.env;
  const options = { keepAlive: true, maxSockets: poolSize, maxFreeSockets: poolSize, proxyEnv };
  if (!url.startsWith('https:')) return new HttpAgent(options);
  return new HttpsAgent(ca === undefined ? options : { ...options, ca });
}

/** A credential that looks for a token may not hear the signal. */
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
