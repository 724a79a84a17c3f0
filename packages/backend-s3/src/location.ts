import { parseLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** What a location says of the bucket and of the store's place in it. */
export interface Target {
  readonly bucket: string;
  /** Empty, or it ends with a slash; every key of the store follows it. */
  readonly prefix: string;
  /** Where it is left out, the SDK looks for it. */
  readonly region: string | undefined;
  /** The URL of another service than that of AWS. */
  readonly endpoint: string | undefined;
  /** Whether the location says that the service honours the condition of a deletion. */
  readonly conditionalDelete: boolean | undefined;
}

/** Longer names would leave no room for the longest key in the 1,024 bytes of S3. */
const MAX_PREFIX_BYTES = 123;
const BUCKET = /^[a-zA-Z0-9][\w.-]{1,253}[a-zA-Z0-9]$/;
/** Directory buckets list in no order, so no store can be kept in one. */
const DIRECTORY_BUCKET = /--x-s3$/;
const SEGMENT = /^(?!\.{1,2}$)[\w.@~=+-]+$/;
const REGION = /^[a-z0-9-]{1,64}$/;
const PARAMETERS: readonly string[] = ['conditionalDelete', 'endpoint', 'region'];

function refuse(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `s3: ${reason}; write s3://bucket/prefix?region=name.`, {
    backend: 's3',
    operation: 'init',
  });
}

/**
 * Takes `s3://bucket/prefix?region=…&endpoint=…&conditionalDelete=…` apart; all but the bucket may be left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the location that may be a credential
 */
export function parseTarget(location: string): Target {
  const { scheme, rest } = parseLocation(location);
  if (scheme !== 's3') refuse('the location is not one of s3:');
  const [, bucket, path = '', query = ''] = /^\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(rest) ?? [];
  if (bucket === undefined) refuse('the location has no // after its scheme, or a # in it');
  if (bucket.includes('@')) refuse('credentials do not belong into the location but into options or the environment');
  if (!BUCKET.test(bucket)) refuse('the location names no bucket');
  if (DIRECTORY_BUCKET.test(bucket)) refuse('a directory bucket lists in no order; take a general purpose bucket');
  const parameters = parametersOf(query);
  const { region } = parameters;
  if (region !== undefined && !REGION.test(region)) refuse('region is 1 to 64 of a-z 0-9 -');
  return {
    bucket,
    prefix: prefixOf(path),
    region,
    endpoint: parameters['endpoint'] === undefined ? undefined : endpointOf(parameters['endpoint']),
    conditionalDelete: flagOf(parameters['conditionalDelete']),
  };
}

function prefixOf(path: string): string {
  const name = path.replace(/\/$/, '');
  if (name === '') return '';
  if (name.length > MAX_PREFIX_BYTES || !name.split('/').every((segment) => SEGMENT.test(segment))) {
    refuse(`the prefix is 1 to ${MAX_PREFIX_BYTES} of a-z A-Z 0-9 _ . @ ~ = + - between single slashes`);
  }
  return `${name}/`;
}

function parametersOf(query: string): Readonly<Record<string, string>> {
  const entries = [...new URLSearchParams(query)];
  const names = entries.map(([name]) => name);
  if (names.some((name) => !PARAMETERS.includes(name)) || new Set(names).size < names.length) {
    refuse(`the parameters of the location are ${PARAMETERS.join(', ')}, each once`);
  }
  return Object.fromEntries(entries);
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) refuse('endpoint is an http: or https: URL');
  if (url.username !== '' || url.password !== '') refuse('no credentials belong into the endpoint');
  if (url.search !== '' || url.hash !== '') refuse('endpoint is a URL without ? and #');
  return url.href;
}

function flagOf(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false') refuse('conditionalDelete is true or false');
  return value === 'true';
}
