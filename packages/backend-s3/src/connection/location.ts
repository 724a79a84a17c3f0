import { checkParameters, storeUrlError, parseStoreUrl } from '@securestore/backend-api';

/** What a store URL says. */
export interface Target {
  readonly bucket: string;
  /** Empty, or it ends with a slash; every key of the store follows it. */
  readonly prefix: string;
  /** If it is left out, the SDK searches it. */
  readonly region: string | undefined;
  /** The URL of another service than that of AWS. */
  readonly endpoint: string | undefined;
  /** Whether the store URL says that the service honours the condition of a deletion. */
  readonly conditionalDelete: boolean | undefined;
}

/** A longer prefix would leave no room for the longest key in the 1,024 bytes of S3. */
const MAX_PREFIX_BYTES = 123;
const BUCKET = /^[a-zA-Z0-9][\w.-]{1,253}[a-zA-Z0-9]$/;
/** Directory buckets list in no order, so no store can be kept in one. */
const DIRECTORY_BUCKET = /--x-s3$/;
const SEGMENT = /^(?!\.{1,2}$)[\w.@~=+-]+$/;
const REGION = /^[a-z0-9-]{1,64}$/;
const PARAMETERS: readonly string[] = ['conditionalDelete', 'endpoint', 'region'];

/** How store URLs of the backend look. */
export const FORM = 's3://bucket/prefix?region=name';

function refuse(problem: string, parameter?: string): never {
  throw storeUrlError('s3', problem, FORM, parameter);
}

function refuseParameter(name: string, rule: string): never {
  return refuse(`the parameter "${name}" of the store URL must ${rule}`, name);
}

/**
 * Takes `s3://bucket/prefix?region=…&endpoint=…&conditionalDelete=…` apart; all but the bucket may be left out.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the store URL that may be a credential
 */
export function parseTarget(url: string): Target {
  const { scheme, rest } = parseStoreUrl(url);
  if (scheme !== 's3') refuse('the store URL must begin with s3:');
  const [, bucket, path = '', query = ''] = /^\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(rest) ?? [];
  if (bucket === undefined) refuse('the store URL must have // after its scheme, and no #');
  if (bucket.includes('@')) refuse('the store URL must not have credentials');
  if (!BUCKET.test(bucket)) refuse('the bucket in the store URL is missing or invalid');
  if (DIRECTORY_BUCKET.test(bucket))
    refuse('the bucket must be a general purpose bucket, since a directory bucket lists in no order');
  const parameters = parametersOf(query);
  const { region } = parameters;
  if (region !== undefined && !REGION.test(region)) refuseParameter('region', 'have 1 to 64 of a-z 0-9 -');
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
    refuse(
      `the prefix in the store URL must have 1 to ${MAX_PREFIX_BYTES} of a-z A-Z 0-9 _ . @ ~ = + - between single slashes`,
    );
  }
  return `${name}/`;
}

function parametersOf(query: string): Readonly<Record<string, string>> {
  const entries = [...new URLSearchParams(query)];
  checkParameters(entries, PARAMETERS, refuse);
  return Object.fromEntries(entries);
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    refuseParameter('endpoint', 'be an http: or https: URL');
  }
  if (url.username !== '' || url.password !== '') refuseParameter('endpoint', 'not have credentials');
  if (url.search !== '' || url.hash !== '') refuseParameter('endpoint', 'be a URL without ? and #');
  return url.href;
}

function flagOf(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false') refuseParameter('conditionalDelete', 'be true or false');
  return value === 'true';
}
