import { parseLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** What a location says of the server and of the store's place on it. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
  /** The hash tag that all names of the store have in common. */
  readonly prefix: string;
}

const DEFAULT_PORT = 6379;
const DEFAULT_PREFIX = 'securestore';
const PREFIX = /^[\w.:/-]{1,128}$/;

function refuse(reason: string): never {
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `redis: ${reason}; write redis://host:6379/0?prefix=name, or rediss: for TLS.`,
    { backend: 'redis', operation: 'init' },
  );
}

/**
 * Takes `redis://user:password@host:port/db?prefix=name` apart; all but the host may be left out. User name and
 * password are percent-decoded.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the location that may be a credential
 */
export function parseTarget(location: string): Target {
  const { scheme, rest } = parseLocation(location);
  if (scheme !== 'redis' && scheme !== 'rediss') refuse('the location is not one of redis: or rediss:');
  if (!rest.startsWith('//')) refuse('the location names no host');
  // An error of `URL` would show the whole location.
  if (!URL.canParse(location)) refuse('the location is no URL (are @ : / ? # in the password percent-encoded?)');
  const url = new URL(location);
  if (url.hostname === '') refuse('the location names no host');
  if (url.hash !== '') refuse('the location has a # in it');
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    db: databaseOf(url.pathname),
    username: decoded(url.username),
    password: decoded(url.password),
    tls: scheme === 'rediss',
    prefix: prefixOf(url.searchParams),
  };
}

function databaseOf(path: string): number {
  const name = path.replace(/^\//, '');
  if (name === '') return 0;
  if (!/^\d{1,6}$/.test(name)) refuse('what follows the host is the number of a database');
  return Number(name);
}

function prefixOf(parameters: URLSearchParams): string {
  const unknown = [...parameters.keys()].filter((name) => name !== 'prefix');
  if (unknown.length > 0) refuse('the only parameter of the location is prefix');
  const prefix = parameters.get('prefix') ?? DEFAULT_PREFIX;
  if (!PREFIX.test(prefix)) refuse('prefix is 1 to 128 of a-z A-Z 0-9 _ . : / -');
  return prefix;
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return refuse('the user name or password is not percent-encoded');
  }
}
