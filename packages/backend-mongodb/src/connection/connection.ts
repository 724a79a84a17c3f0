import { type CallSite, abortedError } from '@securestore/backend-api';
import { type Db, type Document, MongoClient } from 'mongodb';
import { setTimeout as sleep } from 'node:timers/promises';
import { Floor } from './clock.ts';
import { toStoreError, wasNotSent, writeErrorOf } from './errors.ts';
import type { Target } from './location.ts';
import type { Settings } from './settings.ts';

/** How long a server may take to accept a connection. */
const CONNECT_TIMEOUT_MS = 10_000;
/** How much later than the server this side gives a command up, at most. */
const ANSWER_GRACE_MS = 5_000;
/** How long a server may take to say goodbye. */
const CLOSE_LIMIT_MS = 2_000;

/** One run of a command. */
export interface Run {
  readonly site: CallSite;
  readonly command: Document;
  /** Whether it changes something. */
  readonly mutates: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Whether `value` is a `MongoClient`, or works as one. */
export function isClient(value: unknown): value is MongoClient {
  if (typeof value !== 'object' || value === null) return false;
  return ['connect', 'db', 'startSession'].every(
    (method) => typeof (value as Record<string, unknown>)[method] === 'function',
  );
}

/**
 * The connections to the servers of one database. Commands are run as they are, which the driver sends once: repeating is
 * for a layer above.
 */
export class Connection {
  readonly #client: MongoClient;
  /** The client if it is our own; the caller's is never closed. */
  readonly #own: MongoClient | undefined;
  readonly #db: Db;
  readonly #secrets: readonly string[];
  /** The time below which nothing may be dated, from the answers so far. */
  readonly floor: Floor = new Floor();

  constructor(target: Target, settings: Settings, lent: MongoClient | undefined) {
    this.#secrets = [settings.password, target.password, ...target.secrets].filter((secret) => secret !== undefined);
    try {
      this.#own = lent === undefined ? createClient(target, settings) : undefined;
      this.#client = lent ?? (this.#own as MongoClient);
      this.#db = this.#client.db(target.database);
    } catch (error) {
      throw toStoreError(error, { backend: 'mongodb', operation: 'init', uncertain: false, secrets: this.#secrets });
    }
  }

  /** Reaches a primary and gives it the credentials. */
  async open(site: CallSite): Promise<void> {
    try {
      await this.#client.connect();
    } catch (error) {
      throw toStoreError(error, { ...site, uncertain: false, secrets: this.#secrets });
    }
  }

  /** Runs a command on the primary; resolves to its answer. */
  async run({ site, command, mutates, signal }: Run): Promise<Document> {
    try {
      const answer = await this.#db.command(command, {
        readPreference: 'primary',
        promoteBuffers: true,
        promoteLongs: true,
        promoteValues: true,
        ...(signal === undefined ? {} : { signal }),
      });
      this.floor.learn(answer['operationTime']);
      const failure = writeErrorOf(answer);
      if (failure !== undefined) throw failure;
      return answer;
    } catch (error) {
      const uncertain = mutates && !wasNotSent(error);
      if (signal?.aborted === true) throw abortedError(site, signal.reason, uncertain ? 'unknown' : undefined);
      throw toStoreError(error, { ...site, uncertain, secrets: this.#secrets });
    }
  }

  /**
   * Ends our own connections; the caller's client stays as it is. The driver says goodbye to the server first: to one
   * that is silent it goes on doing so after this has returned, for no longer than a connection may take.
   */
  async close(): Promise<void> {
    if (this.#own === undefined) return;
    const limit = new AbortController();
    const goodbye = this.#own.close().catch(() => undefined);
    await Promise.race([goodbye, sleep(CLOSE_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined)]);
    limit.abort();
  }
}

function createClient({ uri, ...target }: Target, settings: Settings): MongoClient {
  const { ca, poolSize, timeout, selectionTimeout } = settings;
  const username = settings.username ?? target.username;
  const password = settings.password ?? target.password;
  return new MongoClient(uri, {
    ...(username === undefined ? {} : { auth: { username, ...(password === undefined ? {} : { password }) } }),
    ...(ca === undefined ? {} : { ca }),
    ...(uri.includes('appName=') ? {} : { appName: 'securestore' }),
    maxPoolSize: poolSize,
    waitQueueTimeoutMS: timeout,
    serverSelectionTimeoutMS: selectionTimeout,
    connectTimeoutMS: Math.min(CONNECT_TIMEOUT_MS, timeout),
    socketTimeoutMS: timeout + Math.min(timeout, ANSWER_GRACE_MS),
    retryReads: false,
    retryWrites: false,
  });
}
