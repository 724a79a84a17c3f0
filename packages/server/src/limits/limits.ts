import { SecureStoreError } from '@securestore/core-format';

/** Limits that keep one caller from using the whole server. Times are milliseconds, sizes bytes. */
export interface ServerLimits {
  /** All headers of a request together. Default 16 KiB. */
  readonly headerBytes: number;
  /** The body of a request, except data of objects. Default 1 MiB. */
  readonly jsonBytes: number;
  /** An object that is stored. Default 1 TiB. */
  readonly objectBytes: number;
  /** Connections at once. Default 1,024. */
  readonly connections: number;
  /** Connections at once of one address; further ones are closed. 0 for no limit; ignored behind a proxy. Default 512. */
  readonly connectionsPerAddress: number;
  /** Requests at once, of all callers. Default 512. */
  readonly concurrency: number;
  /** Requests at once of one caller. Default 128. */
  readonly concurrencyPerCaller: number;
  /** Keys that one page of a listing reads, shown or not. Default 10,000. */
  readonly namesPerPage: number;
  /** Requests a second of one caller, on average; a burst may have twice as many. Default 5,000. */
  readonly ratePerCaller: number;
  /** Failed authentications a second of one address, on average; a burst may have ten times as many. Default 5. */
  readonly failuresPerAddress: number;
  /** How long the headers of a request may take to arrive. Default 10 s. */
  readonly headersTimeout: number;
  /** How long a connection may be idle between two requests. Default 60 s. */
  readonly idleTimeout: number;
  /** The lowest rate of a body, in bytes a second, checked every five seconds; a slower connection is closed. 0 for none. Default 1 KiB. */
  readonly leastRate: number;
  /** How long a stopping server waits for requests that are not answered yet. Default 30 s. */
  readonly closeTimeout: number;
  /** How long the server remembers whom credentials authenticate; a revocation takes effect at once all the same. 0 for not at all. Default 60 s. */
  readonly sessionAge: number;
  /** How long a person may stay signed in to the console without any action. Default 15 min. */
  readonly consoleIdle: number;
  /** How long a person may stay signed in to the console at most. Default 8 h. */
  readonly consoleAge: number;
}

/** The limits of a server that sets none. */
export const DEFAULTS: ServerLimits = {
  headerBytes: 16 * 1024,
  jsonBytes: 1024 * 1024,
  objectBytes: 2 ** 40,
  connections: 1024,
  connectionsPerAddress: 512,
  concurrency: 512,
  concurrencyPerCaller: 128,
  namesPerPage: 10_000,
  ratePerCaller: 5000,
  failuresPerAddress: 5,
  headersTimeout: 10_000,
  idleTimeout: 60_000,
  leastRate: 1024,
  closeTimeout: 30_000,
  sessionAge: 60_000,
  consoleIdle: 15 * 60_000,
  consoleAge: 8 * 3_600_000,
};

/** @throws SecureStoreError `INVALID_ARGUMENT` for an unknown limit, or a value that is not a number from 0 */
export function resolveLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new SecureStoreError('INVALID_ARGUMENT', `unknown limit ${JSON.stringify(name)}`, { option: 'limits' });
    }
    if (value === undefined || (typeof value === 'number' && value >= 0)) continue;
    throw new SecureStoreError('INVALID_ARGUMENT', `the option "limits.${name}" must be a number from 0`, {
      option: `limits.${name}`,
    });
  }
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(known) };
}
