import { parseLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** What a location says of the server and of the store's place on it. What it leaves out comes from the environment. */
export interface Target {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** Whether to use TLS, always with a certificate that is checked. */
  readonly tls: boolean | undefined;
  /** A file with the certificates of authorities. */
  readonly rootCertificates: string | undefined;
  readonly schema: string | undefined;
  readonly table: string;
}

const DEFAULT_TABLE = 'securestore';
/** Leaves room for what is appended to the name, within the 63 bytes of PostgreSQL. */
const NAME = /^[a-z_][a-z0-9_]{0,47}$/;
const PARAMETERS: readonly string[] = ['host', 'schema', 'sslmode', 'sslrootcert', 'table'];

function refuse(reason: string): never {
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `postgres: ${reason}; write postgres://user@host:5432/database?table=name.`,
    { backend: 'postgres', operation: 'init' },
  );
}

/**
 * Takes `postgres://user:password@host:port/database?schema=…&table=…&sslmode=…` apart; everything may be left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the location that may be a credential
 */
export function parseTarget(location: string): Target {
  const { scheme, rest } = parseLocation(location);
  if (scheme !== 'postgres' && scheme !== 'postgresql') refuse('the location is not one of postgres:');
  if (!rest.startsWith('//')) refuse('the location has no // after its scheme');
  // An error of `URL` would show the whole location.
  if (!URL.canParse(location)) refuse('the location is no URL (are @ : / ? # in the password percent-encoded?)');
  const url = new URL(location);
  if (url.hash !== '') refuse('the location has a # in it');
  const parameters = parametersOf(url);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1') || parameters['host'],
    port: url.port === '' ? undefined : Number(url.port),
    user: decoded(url.username),
    password: decoded(url.password),
    database: decoded(url.pathname.replace(/^\//, '')),
    tls: tlsOf(parameters['sslmode'], parameters['sslrootcert']),
    rootCertificates: parameters['sslrootcert'],
    schema: parameters['schema'] === undefined ? undefined : nameOf('schema', parameters['schema']),
    table: nameOf('table', parameters['table'] ?? DEFAULT_TABLE),
  };
}

function parametersOf(url: URL): Readonly<Record<string, string>> {
  const entries = [...url.searchParams];
  const names = entries.map(([name]) => name);
  if (names.some((name) => !PARAMETERS.includes(name)) || new Set(names).size < names.length) {
    refuse(`the parameters of the location are ${PARAMETERS.join(', ')}, each once`);
  }
  return Object.fromEntries(entries);
}

function nameOf(what: string, name: string): string {
  if (!NAME.test(name)) refuse(`${what} is 1 to 48 of a-z 0-9 _, not beginning with a digit`);
  return name;
}

/** `require` checks certificates here, other than in libpq: encryption alone keeps nobody from standing in between. */
function tlsOf(mode: string | undefined, rootCertificates: string | undefined): boolean | undefined {
  switch (mode) {
    case undefined:
      return rootCertificates === undefined ? undefined : true;
    case 'disable':
      return false;
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return true;
    default:
      return refuse('sslmode is disable, require, verify-ca or verify-full, and all but the first check certificates');
  }
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return refuse('the user name, password or database is not percent-encoded');
  }
}
