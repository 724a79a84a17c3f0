import type { S3Client } from '@aws-sdk/client-s3';
import { type CallSite, abortedError, closedError, failedError, timeoutError } from '@securestore/backend-api';
import type { SecureStoreError } from '@securestore/core-format';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Exchange, type Watched, watch } from './exchange.ts';
import { toStoreError } from './errors.ts';
import { Places } from './places.ts';

/** How long the end of the backend waits for what is under way. */
const CLOSE_LIMIT_MS = 2_000;
/** Why a request was ended that its caller did not abort. */
const LATE = new Error('it took too long');
const CLOSED = new Error('the backend was closed');

/** What one request is about. */
export interface Request {
  readonly site: CallSite;
  /** Whether it changes something. */
  readonly mutates?: boolean;
  /** Whether it has a condition, which may fail. */
  readonly conditional?: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface BucketSettings {
  readonly name: string;
  readonly poolSize: number;
  /** Milliseconds that a request may take, with its body. */
  readonly timeout: number;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** A bucket, and the way to it: nothing is sent twice, and failures are translated. */
export class Bucket {
  readonly name: string;
  /** Whether it refuses bodies that come without a digest, as far as is known. */
  wantsDigests = false;
  readonly #client: S3Client;
  readonly #settings: BucketSettings;
  readonly #places: Places;
  /** What is under way, and how to end it. */
  readonly #underWay = new Map<Promise<unknown>, AbortController>();

  constructor(client: S3Client, settings: BucketSettings) {
    this.name = settings.name;
    this.#client = client;
    this.#settings = settings;
    this.#places = new Places(settings.poolSize);
  }

  /**
   * Sends a command once.
   *
   * @param take - makes the result of what came, while the request still counts as under way
   * @throws SecureStoreError what the service, the network or the signal ended it with
   */
  async send<Input extends object, Output extends object, Result>(
    request: Request,
    command: Watched<Input, Output>,
    take: (output: Output, exchange: Exchange, signal: AbortSignal) => Result | Promise<Result>,
  ): Promise<Result> {
    const end = new AbortController();
    const work = this.#send(request, command, take, end);
    const settled = work.catch(() => undefined);
    this.#underWay.set(settled, end);
    try {
      return await work;
    } finally {
      this.#underWay.delete(settled);
    }
  }

  /** Waits a little for what is under way, and ends the rest; @param own - whether the client is ours to end */
  async close(own: boolean): Promise<void> {
    const limit = new AbortController();
    const patience = sleep(CLOSE_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#underWay.keys()), patience]);
    limit.abort();
    for (const end of this.#underWay.values()) end.abort(CLOSED);
    if (own) this.#client.destroy();
  }

  async #send<Input extends object, Output extends object, Result>(
    { site, mutates = false, conditional = false, signal: callers }: Request,
    command: Watched<Input, Output>,
    take: (output: Output, exchange: Exchange, signal: AbortSignal) => Result | Promise<Result>,
    end: AbortController,
  ): Promise<Result> {
    const signal = callers === undefined ? end.signal : AbortSignal.any([callers, end.signal]);
    let exchange: Exchange | undefined;
    let timer: NodeJS.Timeout | undefined;
    let placed = false;
    try {
      await this.#places.take(signal);
      placed = true;
      signal.throwIfAborted();
      timer = setTimeout(() => end.abort(LATE), this.#settings.timeout);
      exchange = watch(command, signal, mutates);
      // The client's type knows only its own commands, and not that they are what is typed here.
      const sending = this.#client.send(command as never, { abortSignal: signal }) as Promise<unknown>;
      return await take((await unlessAborted(sending, signal)) as Output, exchange, signal);
    } catch (error) {
      const uncertain = mutates && exchange?.sent === true;
      const outcome = uncertain ? 'unknown' : undefined;
      if (callers?.aborted === true) throw abortedError(site, callers.reason, outcome);
      if (end.signal.reason === LATE) throw timeoutError(site, this.#settings.timeout, outcome);
      if (end.signal.reason === CLOSED) throw endedError(site, uncertain);
      throw toStoreError(error, { ...site, exchange, uncertain, conditional, secrets: this.#settings.secrets });
    } finally {
      clearTimeout(timer);
      if (placed) this.#places.giveBack();
    }
  }
}

/** The SDK checks its signal only while it sends, and not while it searches for credentials. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  // The work may fail later, when no caller waits for it any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function endedError(site: CallSite, uncertain: boolean): SecureStoreError {
  if (!uncertain) return closedError(site);
  const failure = { code: 'UNAVAILABLE', reason: 'the backend was closed', retryable: false } as const;
  return failedError(site, failure, { outcome: 'unknown' });
}
