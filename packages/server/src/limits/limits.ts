import { SecureStoreError } from '@securestore/core-format';

/** What keeps one caller from taking everything. Times are milliseconds, sizes bytes. */
export interface ServerLimits {
  /** All headers of a request together. Default 16 KiB. */
  readonly headerBytes: number;
  /** The body of a request that is no object. Default 1 MiB. */
  readonly jsonBytes: number;
  /** An object that is stored. Default 1 TiB. */
  readonly objectBytes: number;
  /** Connections at once. Default 1,024. */
  readonly connections: number;
  /** Connections at once of one address: more are ended. Default 512; 0 for any number. Behind a proxy it counts for nothing. */
  readonly connectionsPerAddress: number;
  /** Requests at once, of all callers. Default 512. */
  readonly concurrency: number;
  /** Requests at once of one caller. Default 128. */
  readonly concurrencyPerCaller: number;
  /** Names that one page of a listing looks at, shown or not. Default 10,000. */
  readonly namesPerPage: number;
  /** Requests a second of one caller, on average; twice as many may come at once. Default 5,000. */
  readonly ratePerCaller: number;
  /** Failed attempts to prove who one is, a second and address, on average; ten times as many may come at once. Default 5. */
  readonly failuresPerAddress: number;
  /** How long the headers of a request may take. Default 10 s. */
  readonly headersTimeout: number;
  /** How long a connection may be open between two requests. Default 60 s. */
  readonly idleTimeout: number;
  /** Bytes a second, below which a body that comes, or is taken, ends its connection; looked at every five seconds. Default 1 KiB; 0 for none. */
  readonly leastRate: number;
  /** How long requests under way may take once the server is to stop. Default 30 s. */
  readonly closeTimeout: number;
  /** How long it is remembered whom credentials prove; what takes them back counts at once all the same. Default 60 s; 0 for not at all. */
  readonly sessionAge: number;
  /** How long somebody may be signed in to the console without doing anything. Default 15 min. */
  readonly consoleIdle: number;
  /** How long somebody may be signed in to the console in any case. Default 8 h. */
  readonly consoleAge: number;
}

const DEFAULTS: ServerLimits = {
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

/** @throws SecureStoreError `INVALID_ARGUMENT` for a limit that there is not, or that is no number from 0 */
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
