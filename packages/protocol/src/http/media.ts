/** Data as it is, with what is known of the object in headers. */
export const RAW_TYPE = 'application/octet-stream';

/**
 * Data in frames, with what is known of the object before it and an end or an error after it: for metadata of any size, and so that an
 * error in the middle arrives with its code. What clients of ours speak.
 */
export const FRAMED_TYPE = 'application/vnd.securestore.object';

export const JSON_TYPE = 'application/json';

/** The headers that are ours. */
export const HEADERS: Readonly<Record<'info' | 'metadata' | 'expires' | 'requestId', string>> = {
  /** JSON in ASCII: everything that {@link FRAMED_TYPE} has in its head, but for the metadata. */
  info: 'securestore-info',
  /** JSON in ASCII, at most {@link MAX_HEADER_METADATA} characters. */
  metadata: 'securestore-metadata',
  /** When an object expires, as ISO 8601. */
  expires: 'securestore-expires',
  /** What tells a request in the logs of both sides; a caller may choose it: up to 64 letters, digits, `.`, `_` and `-`. */
  requestId: 'x-request-id',
};

/** The longest metadata that travel in a header, in characters; what is longer takes frames. */
export const MAX_HEADER_METADATA = 4096;

/** What {@link HEADERS.requestId} may be. */
export const REQUEST_ID: RegExp = /^[A-Za-z0-9._-]{1,64}$/;

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

// oxlint-disable-next-line no-control-regex -- these are what a header can't hold
const NOT_IN_HEADERS = /[^\x20-\x7e]/;
const ALL_NOT_IN_HEADERS = new RegExp(NOT_IN_HEADERS, 'g');

/** JSON that fits into a header, whatever characters its texts have. */
export function asciiJson(value: unknown): string {
  const json = JSON.stringify(value);
  return NOT_IN_HEADERS.test(json) ? json.replaceAll(ALL_NOT_IN_HEADERS, escaped) : json;
}

/** The version of an object as an entity tag. */
export function entityTagOf(version: string): string {
  return `"${version}"`;
}
