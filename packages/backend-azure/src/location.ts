import { parseLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** What a location says of the store's place. */
export interface Target {
  readonly container: string;
  /** What the names of all blobs of the store begin with: nothing, or something that ends with a slash. */
  readonly prefix: string;
  readonly account: string | undefined;
  readonly endpoint: string | undefined;
}

/** The rules of Blob Storage: 3 to 63 of a-z 0-9 and single hyphens between them. */
const CONTAINER = /^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/;
const ACCOUNT = /^[a-z0-9]{3,24}$/;
/** Names of blobs have at most 1,024 characters, and keys of a store at most 900. */
const MAX_PREFIX = 120;
/** No part may end with a dot: Blob Storage advises against such names. */
const PREFIX = /^(?:[\w~@-]|\.(?!\/|$))+(?:\/(?:[\w~@-]|\.(?!\/|$))+)*$/;
const PARAMETERS: readonly string[] = ['account', 'endpoint'];

function refuse(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `azure: ${reason}; write azblob://container/prefix?account=name.`, {
    backend: 'azure',
    operation: 'init',
  });
}

/**
 * Takes `azblob://container/prefix?account=…&endpoint=…` apart; all but the container may be left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the location that may be a credential
 */
export function parseTarget(location: string): Target {
  const { scheme, rest } = parseLocation(location);
  if (scheme !== 'azblob') refuse('the location is not one of azblob:');
  if (rest.includes('#')) refuse('the location has a # in it');
  const [path = '', query, ...more] = rest.split('?');
  if (more.length > 0) refuse('the location has two ? in it');
  if (path.includes('@') && !path.replace(/^\/\/[^/]*/, '').includes('@')) {
    refuse('credentials do not belong into the location, but into options or the environment');
  }
  const [, container, prefix = ''] = /^\/\/([^/]*)(?:\/(.*?)\/?)?$/.exec(path) ?? [];
  if (container === undefined || !CONTAINER.test(container)) {
    refuse('the name of a container is 3 to 63 of a-z 0-9 and single hyphens between them');
  }
  return { container, prefix: prefixOf(prefix), ...parametersOf(query) };
}

function prefixOf(prefix: string): string {
  if (prefix === '') return '';
  if (prefix.length > MAX_PREFIX || !PREFIX.test(prefix)) {
    refuse(
      `the prefix is at most ${MAX_PREFIX} of A-Z a-z 0-9 . _ ~ @ - between single slashes, no dot before a slash`,
    );
  }
  return `${prefix}/`;
}

function parametersOf(query: string | undefined): Pick<Target, 'account' | 'endpoint'> {
  const entries = [...new URLSearchParams(query ?? '')];
  const names = entries.map(([name]) => name);
  if (names.some((name) => !PARAMETERS.includes(name)) || new Set(names).size < names.length) {
    refuse('the parameters of the location are account and endpoint, each once; credentials are options');
  }
  const { account, endpoint } = Object.fromEntries(entries);
  if (account !== undefined && !isAccount(account)) refuse('the name of an account is 3 to 24 of a-z 0-9');
  if (endpoint !== undefined && !isEndpoint(endpoint)) refuse('endpoint is the https URL of a Blob service, without ?');
  return { account, endpoint };
}

/** Whether it may be the name of a storage account. */
export function isAccount(name: string): boolean {
  return ACCOUNT.test(name);
}

/** Whether it is the URL of a service and nothing else: no user, no query that may hold a signature. */
export function isEndpoint(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, username, password, search, hash } = new URL(endpoint);
  return /^https?:$/.test(protocol) && username + password + search + hash === '' && !endpoint.includes('?');
}
