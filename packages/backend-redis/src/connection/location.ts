import { checkParameters, storeUrlError, parseStoreUrl } from '@securestore/backend-api';

/** What a store URL says. */
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

/** How store URLs of the backend look; `rediss:` is for TLS. */
export const FORM = 'redis://host:6379/0?prefix=name';

function refuse(problem: string, parameter?: string): never {
  throw storeUrlError('redis', problem, FORM, parameter);
}

/**
 * Takes `redis://user:password@host:port/db?prefix=name` apart; all but the host may be left out. User name and
 * password are percent-decoded.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the store URL that may be a credential
 */
export function parseTarget(storeUrl: string): Target {
  const { scheme, rest } = parseStoreUrl(storeUrl);
  if (scheme !== 'redis' && scheme !== 'rediss') refuse('the store URL must begin with redis: or rediss:');
  if (!rest.startsWith('//')) refuse('the store URL must name a host');
  // An error of `URL` would show the whole store URL.
  if (!URL.canParse(storeUrl))
    refuse('the store URL must be a valid URL, with @ : / ? # in the password percent-encoded');
  const url = new URL(storeUrl);
  if (url.hostname === '') refuse('the store URL must name a host');
  if (url.hash !== '') refuse('the store URL must not have a #');
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
  if (!/^\d{1,6}$/.test(name)) refuse('the path of the store URL must be the number of a database');
  return Number(name);
}

function prefixOf(parameters: URLSearchParams): string {
  // Of several prefixes, the first counts.
  checkParameters(new Map(parameters), ['prefix'], refuse);
  const prefix = parameters.get('prefix') ?? DEFAULT_PREFIX;
  if (!PREFIX.test(prefix)) {
    refuse('the parameter "prefix" of the store URL must have 1 to 128 of a-z A-Z 0-9 _ . : / -', 'prefix');
  }
  return prefix;
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return refuse('the user name and password in the store URL must be percent-encoded');
  }
}
