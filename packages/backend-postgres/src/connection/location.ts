import { checkParameters, storeUrlError, parseStoreUrl } from '@securestore/backend-api';

/** What a store URL says. What it leaves out comes from the environment. */
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
const NAME_RULE = 'have 1 to 48 of a-z 0-9 _, and not begin with a digit';
const PARAMETERS: readonly string[] = ['host', 'schema', 'sslmode', 'sslrootcert', 'table'];

/** How store URLs of the backend look. */
export const FORM = 'postgres://user@host:5432/database?table=name';

function refuse(problem: string, parameter?: string): never {
  throw storeUrlError('postgres', problem, FORM, parameter);
}

/**
 * Takes `postgres://user:password@host:port/database?schema=…&table=…&sslmode=…` apart; everything may be left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the store URL that may be a credential
 */
export function parseTarget(storeUrl: string): Target {
  const { scheme, rest } = parseStoreUrl(storeUrl);
  if (scheme !== 'postgres' && scheme !== 'postgresql') refuse('the store URL must begin with postgres:');
  if (!rest.startsWith('//')) refuse('the store URL must have // after its scheme');
  // An error of `URL` would show the whole store URL.
  if (!URL.canParse(storeUrl))
    refuse('the store URL must be a valid URL, with @ : / ? # in the password percent-encoded');
  const url = new URL(storeUrl);
  if (url.hash !== '') refuse('the store URL must not have a #');
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
  checkParameters(entries, PARAMETERS, refuse);
  return Object.fromEntries(entries);
}

function nameOf(parameter: string, name: string): string {
  if (!NAME.test(name)) refuse(`the parameter "${parameter}" of the store URL must ${NAME_RULE}`, parameter);
  return name;
}

/** `require` checks certificates here, unlike in libpq: encryption alone does not keep an attacker out of the connection. */
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
      return refuse(
        'the parameter "sslmode" of the store URL must be disable, require, verify-ca or verify-full',
        'sslmode',
      );
  }
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return refuse('the user name, password and database in the store URL must be percent-encoded');
  }
}
