import { checkParameters, storeUrlError, parseStoreUrl } from '@securestore/backend-api';

/** What a store URL says. */
export interface Target {
  readonly bucket: string;
  /** What the names of all objects of the store begin with: nothing, or something that ends with a slash. */
  readonly prefix: string;
  readonly endpoint: string | undefined;
}

/** The rules of Cloud Storage: 3 to 222 of a-z 0-9 . _ - with a letter or digit at both ends. */
const BUCKET = /^(?=.{3,222}$)[a-z0-9](?:[a-z0-9._-]*[a-z0-9])$/;
/** Names of objects have at most 1,024 bytes, and keys of a store at most 900. */
const MAX_PREFIX = 120;
const PREFIX = /^(?!\.{1,2}(?:\/|$))[\w.~@-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.~@-]+)*$/;

/** What an endpoint must be. */
export const ENDPOINT_RULE = 'the URL of the service, without credentials and path';

function refuse(problem: string, parameter?: string): never {
  throw storeUrlError('gcs', problem, 'gs://bucket/prefix', parameter);
}

/**
 * Takes `gs://bucket/prefix?endpoint=…` apart; all but the bucket may be left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the store URL that may be a credential
 */
export function parseTarget(url: string): Target {
  const { scheme, rest } = parseStoreUrl(url);
  if (scheme !== 'gs') refuse('the store URL must begin with gs:');
  if (rest.includes('#')) refuse('the store URL must not have a #');
  const [path = '', query, ...more] = rest.split('?');
  if (more.length > 0) refuse('the store URL must not have more than one ?');
  const [, bucket, prefix = ''] = /^\/\/([^/]*)(?:\/(.*?)\/?)?$/.exec(path) ?? [];
  if (bucket === undefined || !BUCKET.test(bucket)) {
    refuse('the bucket in the store URL must have 3 to 222 of a-z 0-9 . _ -, and a letter or digit at both ends');
  }
  if (prefix.length > MAX_PREFIX || (prefix !== '' && !PREFIX.test(prefix))) {
    refuse(
      `the prefix in the store URL must have at most ${MAX_PREFIX} of A-Z a-z 0-9 . _ ~ @ - between single slashes`,
    );
  }
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/`, endpoint: endpointOf(query) };
}

function endpointOf(query: string | undefined): string | undefined {
  const entries = [...new URLSearchParams(query ?? '')];
  checkParameters(entries, ['endpoint'], refuse);
  const [[, endpoint] = []] = entries;
  if (endpoint !== undefined && !isEndpoint(endpoint)) {
    refuse(`the parameter "endpoint" of the store URL must be ${ENDPOINT_RULE}`, 'endpoint');
  }
  return endpoint;
}

/** Whether it is the URL of a service and nothing else. */
export function isEndpoint(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(endpoint);
  return /^https?:$/.test(protocol) && username + password + search + hash === '' && pathname === '/';
}
