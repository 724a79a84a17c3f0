import { checkParameters, storeUrlError, parseStoreUrl } from '@securestore/backend-api';

/** What a store URL says. */
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
/** What the name of an account must be. */
export const ACCOUNT_RULE = '3 to 24 of a-z 0-9';
/** What an endpoint must be. */
export const ENDPOINT_RULE = 'the URL of a Blob service, without credentials, ? and #';
const PARAMETERS: readonly string[] = ['account', 'endpoint'];

/** How store URLs of the backend look. */
export const FORM = 'azblob://container/prefix?account=name';

function refuse(problem: string, parameter?: string): never {
  throw storeUrlError('azure', problem, FORM, parameter);
}

/**
 * Takes `azblob://container/prefix?account=…&endpoint=…` apart; all but the container may be left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the store URL that may be a credential
 */
export function parseTarget(url: string): Target {
  const { scheme, rest } = parseStoreUrl(url);
  if (scheme !== 'azblob') refuse('the store URL must begin with azblob:');
  if (rest.includes('#')) refuse('the store URL must not have a #');
  const [path = '', query, ...more] = rest.split('?');
  if (more.length > 0) refuse('the store URL must not have more than one ?');
  if (path.includes('@') && !path.replace(/^\/\/[^/]*/, '').includes('@')) {
    refuse('the store URL must not have credentials');
  }
  const [, container, prefix = ''] = /^\/\/([^/]*)(?:\/(.*?)\/?)?$/.exec(path) ?? [];
  if (container === undefined || !CONTAINER.test(container)) {
    refuse('the container in the store URL must have 3 to 63 of a-z 0-9, and single hyphens between them');
  }
  return { container, prefix: prefixOf(prefix), ...parametersOf(query) };
}

function prefixOf(prefix: string): string {
  if (prefix === '') return '';
  if (prefix.length > MAX_PREFIX || !PREFIX.test(prefix)) {
    refuse(
      `the prefix in the store URL must have at most ${MAX_PREFIX} of A-Z a-z 0-9 . _ ~ @ - between single slashes, and no part that ends with a dot`,
    );
  }
  return `${prefix}/`;
}

function parametersOf(query: string | undefined): Pick<Target, 'account' | 'endpoint'> {
  const entries = [...new URLSearchParams(query ?? '')];
  checkParameters(entries, PARAMETERS, refuse);
  const { account, endpoint } = Object.fromEntries(entries);
  if (account !== undefined && !isAccount(account))
    refuse(`the parameter "account" of the store URL must be ${ACCOUNT_RULE}`, 'account');
  if (endpoint !== undefined && !isEndpoint(endpoint))
    refuse(`the parameter "endpoint" of the store URL must be ${ENDPOINT_RULE}`, 'endpoint');
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
