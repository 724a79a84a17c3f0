import { type CallSite, abortedError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { ANSWERS } from './answers.ts';
import { cancelStatement } from './cancel.ts';
import { leavesConnection, stateOf, toStoreError } from './errors.ts';
import type { Target } from './location.ts';
import type { Settings } from './settings.ts';
import { GuardedSocket } from './socket.ts';

/** How much later than the server this side gives a statement up, at most. */
const ANSWER_GRACE_MS = 5_000;
/** How long an aborted statement may take to end before its connection is given up. */
const CANCEL_LIMIT_MS = 2_000;
const QUERY_CANCELED = '57014';

type Row = Readonly<Record<string, unknown>>;

/** A statement; one with a name is prepared once for each connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** One run of a statement. */
export interface Run {
  readonly site: CallSite;
  readonly statement: Statement;
  readonly values: readonly unknown[];
  /** Whether it changes something. */
  readonly mutates: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Whether `value` is a `Pool` of `pg`, or works as one. */
export function isPool(value: unknown): value is pg.Pool {
  if (typeof value !== 'object' || value === null) return false;
  return 'totalCount' in value && 'connect' in value && typeof value.connect === 'function';
}

/** The connections to one database. Each statement is a transaction of its own, so none waits for this side. */
export class Database {
  readonly #pool: pg.Pool;
  /** The pool if it is our own; the caller's is never closed. */
  readonly #own: pg.Pool | undefined;
  readonly #secrets: readonly string[];
  readonly #timeout: number;
  #closed: Promise<void> | undefined;

  constructor(target: Target, settings: Settings, lent: pg.Pool | undefined) {
    const known = [settings.password, target.password, process.env['PGPASSWORD']];
    this.#secrets = known.flatMap((secret) => secret || []);
    this.#timeout = settings.timeout;
    this.#own = lent === undefined ? createPool(target, settings) : undefined;
    // A connection that breaks while it is not used is replaced by the next call.
    this.#own?.on('error', ignore);
    const pool = lent ?? this.#own;
    if (pool === undefined) throw new TypeError('there is no pool');
    this.#pool = pool;
  }

  /** Runs one statement; resolves to its rows. */
  async run(run: Run): Promise<Row[]> {
    const client = await this.#connect(run.site, run.signal);
    const work = this.#query(client, run);
    if (run.signal === undefined) return work;
    return unlessAborted(work, client, run);
  }

  /** Runs several statements on one connection. */
  async session<T>(
    site: CallSite,
    work: (run: (sql: string, values: readonly unknown[]) => Promise<Row[]>) => Promise<T>,
  ): Promise<T> {
    const client = await this.#connect(site, undefined);
    try {
      const result = await work(async (text, values) => {
        const { rows } = await client.query(this.#config({ text }, values));
        // Several statements at once, which are never asked for their rows, have several results.
        return (rows as Row[] | undefined) ?? [];
      });
      client.give();
      return result;
    } catch (error) {
      client.give(!leavesConnection(error));
      throw toStoreError(error, { ...site, uncertain: false, secrets: this.#secrets });
    }
  }

  async close(): Promise<void> {
    this.#closed ??= this.#own?.end() ?? Promise.resolve();
    await this.#closed;
  }

  async #connect(site: CallSite, signal: AbortSignal | undefined): Promise<Lent> {
    const waiting = this.#borrow();
    try {
      return await (signal === undefined ? waiting : unlessGivenUp(waiting, site, signal));
    } catch (error) {
      throw toStoreError(error, { ...site, uncertain: false, secrets: this.#secrets });
    }
  }

  /** A server may say in one packet that it lets us in and that it ends, so errors are listened for at once. */
  async #borrow(): Promise<Lent> {
    return new Promise((resolve, reject) => {
      this.#pool.connect((error, client) => {
        if (client === undefined) reject(error ?? new Error('the pool gave no connection'));
        else resolve(lend(client));
      });
    });
  }

  async #query(client: Lent, { site, statement, values, mutates }: Run): Promise<Row[]> {
    try {
      const { rows } = await client.query(this.#config(statement, values));
      client.give();
      return rows as Row[];
    } catch (error) {
      client.give(!leavesConnection(error));
      throw toStoreError(error, { ...site, uncertain: mutates, secrets: this.#secrets });
    }
  }

  #config(statement: Statement, values: readonly unknown[]): pg.QueryConfig & { query_timeout: number } {
    return {
      ...statement,
      values: [...values],
      types: ANSWERS,
      query_timeout: this.#timeout + Math.min(this.#timeout, ANSWER_GRACE_MS),
    };
  }
}

/** A connection that is out of the pool. */
interface Lent {
  readonly query: (config: pg.QueryConfig) => Promise<pg.QueryResult>;
  /** Puts it back, or, if it is not to be used again, ends it; the first call counts. */
  readonly give: (end?: boolean) => void;
  /** Cancels the statement under way. A request that comes late would hit the next one, so there will be none. */
  readonly cancel: () => void;
  /** Whether it is back already. */
  readonly given: () => boolean;
}

/** The statement that was under way reports the failure. */
function ignore(): void {}

function lend(client: pg.PoolClient): Lent {
  let given = false;
  let cancelled = false;
  client.on('error', ignore);
  return {
    query: async (config) => client.query(config),
    give: (end = false) => {
      if (given) return;
      given = true;
      client.off('error', ignore);
      client.release(end || cancelled);
    },
    cancel: () => {
      cancelled = true;
      cancelStatement(client);
    },
    given: () => given,
  };
}

function createPool(target: Target, settings: Settings): pg.Pool {
  const { host, port, database, tls, rootCertificates } = target;
  const user = settings.user ?? target.user;
  const password = settings.password ?? target.password;
  const ssl = tls === true ? authorities(rootCertificates) : tls;
  const given = Object.entries({ host, port, database, user, password, ssl }).filter(
    ([, value]) => value !== undefined,
  );
  return new pg.Pool({
    ...Object.fromEntries(given),
    stream: () => new GuardedSocket(),
    application_name: 'securestore',
    keepAlive: true,
    max: settings.poolSize,
    connectionTimeoutMillis: settings.timeout,
    statement_timeout: settings.timeout,
  });
}

/** What a certificate is checked against. */
function authorities(file: string | undefined): { ca?: string } {
  if (file === undefined) return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    const message = `postgres: cannot read ${file}, the "sslrootcert" of the store URL`;
    const site = { backend: 'postgres', operation: 'init' };
    throw new SecureStoreError('INVALID_ARGUMENT', message, { ...site, option: 'sslrootcert', cause: error });
  }
}

/** A connection that arrives when no call waits for it any more goes back at once. */
async function unlessGivenUp(waiting: Promise<Lent>, site: CallSite, signal: AbortSignal): Promise<Lent> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(abortedError(site, signal.reason));
    waiting.then(({ give }) => give()).catch(() => undefined);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([waiting, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * An aborted statement is cancelled at the server, and nearly always its outcome is known a moment later: nothing was
 * changed, or it was too late and everything is done.
 */
async function unlessAborted(work: Promise<Row[]>, lent: Lent, { site, mutates, signal }: Run): Promise<Row[]> {
  const { promise, reject } = Promise.withResolvers<never>();
  let limit: NodeJS.Timeout | undefined;
  const abort = (): void => {
    if (lent.given()) return;
    const unknown = (): void => {
      reject(abortedError(site, signal?.reason, mutates ? 'unknown' : undefined));
      lent.give(true);
    };
    limit = setTimeout(unknown, CANCEL_LIMIT_MS);
    lent.cancel();
  };
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  // The work may fail later, when no caller waits for it any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, promise]);
  } catch (error) {
    if (limit === undefined || stateOf((error as Error).cause) !== QUERY_CANCELED) throw error;
    throw abortedError(site, signal?.reason);
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener('abort', abort);
  }
}
