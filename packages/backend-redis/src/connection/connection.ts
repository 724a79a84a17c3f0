import { type CallSite, abortedError } from '@securestore/backend-api';
import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { garbledError, isReply, isUnknownScript, toStoreError } from './errors.ts';
import type { Target } from './location.ts';
import type { Script } from './scripts.ts';
import type { Settings } from './settings.ts';

/** How long a server may take to accept a connection. */
const CONNECT_TIMEOUT_MS = 10_000;
/** The longest pause between two attempts to connect again. */
const MAX_PAUSE_MS = 1_000;
/** How long a server may take to say goodbye. */
const CLOSE_LIMIT_MS = 2_000;

type Argument = string | Buffer;

/** What is used of a client of `ioredis`: of a `Redis` or a `Cluster`. */
export interface ScriptClient {
  callBuffer(command: string, ...args: (Argument | number)[]): Promise<unknown>;
  info(section: string): Promise<string>;
  config(action: 'GET', name: string): Promise<unknown>;
  /** Whether it has a connection to each of several servers. */
  readonly isCluster?: boolean;
}

/** One run of a script. */
export interface Run {
  readonly site: CallSite;
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
  /** Whether it changes something. */
  readonly mutates: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Whether `value` is a client that {@link Connection} can use. */
export function isScriptClient(value: unknown): value is ScriptClient {
  if (typeof value !== 'object' || value === null) return false;
  return ['callBuffer', 'info', 'config'].every(
    (method) => typeof (value as Record<string, unknown>)[method] === 'function',
  );
}

/**
 * One connection, on which calls are sent one behind the other without waiting for answers. It sends nothing twice:
 * what was under way when the connection broke is reported so, and repeating is for a layer above.
 */
export class Connection {
  readonly #client: ScriptClient;
  /** The client where it is our own; the caller's is neither watched nor closed. */
  readonly #own: Redis | undefined;
  readonly #secrets: readonly string[];
  /** With a number, it names one call; no other connection on the same client has it. */
  readonly #prefix = randomBytes(6).toString('base64url');
  #calls = 0;
  /** Whether an answer came to a call that it was not for, and nothing since has shown that answers are in order again. */
  #isAstray = false;
  #attempt: Promise<void> | undefined;
  #lastError: unknown;

  constructor(target: Target, settings: Settings, lent: ScriptClient | undefined) {
    const username = settings.username ?? target.username;
    const password = settings.password ?? target.password;
    this.#secrets = [settings.password, target.password].filter((secret) => secret !== undefined);
    this.#own = lent === undefined ? createClient(target, settings, { username, password }) : undefined;
    // Without a listener the client would print its errors. Where the server refuses the database, the client would go
    // on with another one.
    this.#own?.on('error', (error) => {
      if (!isReply(this.#lastError)) this.#lastError = error;
      if (isReply(error)) this.#own?.disconnect(true);
    });
    this.#own?.on('close', () => (this.#isAstray = false));
    const client = lent ?? this.#own;
    if (client === undefined) throw new TypeError('there is no client');
    this.#client = client;
  }

  /**
   * Runs a script; answers are buffers, numbers and arrays of them. An answer belongs to a call by its place alone:
   * where one is lost or split on the way, all that follow would be taken for those of other calls. So each answer
   * names its call.
   */
  async run({ site, script, keys, args, mutates, signal }: Run): Promise<unknown> {
    let sent = false;
    const call = `${this.#prefix}${this.#calls++}`;
    const values = [keys.length, ...keys, ...args, call];
    const ask = (command: string, what: string): Promise<unknown> =>
      this.#answerTo(call, () => this.#client.callBuffer(command, what, ...values), garbledError(site, mutates));
    const work = async (): Promise<unknown> => {
      await this.#ready();
      if (signal?.aborted === true) throw abortedError(site, signal.reason);
      sent = true;
      try {
        // Whether a server does not know the script could not be believed now.
        return await (this.#isAstray ? ask('EVAL', script.lua) : ask('EVALSHA', script.sha));
      } catch (error) {
        if (!isUnknownScript(error)) throw error;
        return await ask('EVAL', script.lua);
      }
    };
    try {
      return await unlessAborted(work(), signal, () =>
        abortedError(site, signal?.reason, sent && mutates ? 'unknown' : undefined),
      );
    } catch (error) {
      throw toStoreError(error, { ...site, uncertain: sent && mutates && !wasNotSent(error), secrets: this.#secrets });
    }
  }

  /**
   * What a script answers to a call. Errors name no call: once an answer has gone astray, an error may be about another
   * call as well, and believing it would repeat a change that has taken place, or deny it.
   *
   * @throws `garbled` for what is not known to be about this call
   */
  async #answerTo(call: string, send: () => Promise<unknown>, garbled: Error): Promise<unknown> {
    try {
      const answer = await send();
      if (Array.isArray(answer) && answer.length === 2 && String(answer[0]) === call) {
        // The answer of one server of a cluster says nothing about the connections to the others.
        if (this.#client.isCluster !== true) this.#isAstray = false;
        return answer[1];
      }
    } catch (error) {
      if (!this.#isAstray || !isReply(error)) throw error;
    }
    this.#isAstray = true;
    this.#own?.disconnect(true);
    throw garbled;
  }

  /** What the server says of itself; `undefined` where the user may not ask. */
  async ask<T>(site: CallSite, question: (client: ScriptClient) => Promise<T>): Promise<T | undefined> {
    try {
      await this.#ready();
      return await question(this.#client);
    } catch (error) {
      if (isReply(error)) return undefined;
      throw toStoreError(error, { ...site, uncertain: false, secrets: this.#secrets });
    }
  }

  /** Ends our own connection, after the answers to what was sent; the caller's client stays as it is. */
  async close(): Promise<void> {
    const client = this.#own;
    if (client === undefined) return;
    if (client.status === 'ready') {
      const limit = new AbortController();
      const goodbye = client.quit().catch(() => undefined);
      await Promise.race([goodbye, sleep(CLOSE_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined)]);
      limit.abort();
    }
    client.disconnect();
  }

  /** Resolves when the connection stands; where it does not, the attempt under way decides. */
  async #ready(): Promise<void> {
    const client = this.#own;
    if (client === undefined || client.status === 'ready') return;
    this.#attempt ??= this.#attemptOf(client).finally(() => (this.#attempt = undefined));
    await this.#attempt;
  }

  async #attemptOf(client: Redis): Promise<void> {
    this.#lastError = undefined;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (): void => reject(this.#lastError ?? new Error('the connection was closed'));
    client.once('ready', resolve).once('close', fail).once('end', fail);
    if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined);
    try {
      await promise;
      if (isReply(this.#lastError)) throw this.#lastError;
    } finally {
      client.off('ready', resolve).off('close', fail).off('end', fail);
    }
  }
}

function createClient(
  { host, port, db, tls }: Target,
  { ca, timeout }: Settings,
  { username, password }: { username: string | undefined; password: string | undefined },
): Redis {
  return new Redis({
    host,
    port,
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}),
    lazyConnect: true,
    connectTimeout: Math.min(CONNECT_TIMEOUT_MS, timeout),
    // A connection that stays silent is given up, with all that waits for it.
    socketTimeout: timeout,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), MAX_PAUSE_MS),
    // A server that is not ready says so in its answers; a user may not be allowed to ask.
    enableReadyCheck: false,
    // Nothing is kept to be sent later, and nothing is sent twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  });
}

/** Whether our client refused a command since the connection had just broken. */
function wasNotSent(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, aborted: () => Error): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(aborted());
  signal.addEventListener('abort', abort, { once: true });
  // What is left behind may fail later, when nobody listens any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
