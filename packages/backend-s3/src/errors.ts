import { type CallSite, conflictError } from '@securestore/backend-api';
import { SecureStoreError, type ErrorCode } from '@securestore/core-format';
import type { Exchange } from './exchange.ts';

type Meaning = readonly [code: ErrorCode, advice: string, retryable?: boolean];

const REFUSED: Meaning = ['UNAUTHENTICATED', 'the service refuses the credentials'];
const DENIED: Meaning = [
  'ACCESS_DENIED',
  'the credentials may not do it; a store needs s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject',
];
const ELSEWHERE: Meaning = ['INVALID_ARGUMENT', 'the bucket lies in another region; name it with ?region='];
const SLOWER: Meaning = ['THROTTLED', 'the service asks for fewer requests'];
const DAMAGED: Meaning = ['UNAVAILABLE', 'it was damaged on its way'];
const FULL: Meaning = ['NO_SPACE', 'the service has no space left, or the quota is used up'];
const STRANGE: Meaning = [
  'UNAVAILABLE',
  'the answer broke off, or is not one of S3; if that goes on, look at endpoint and proxies',
];
const UNREACHABLE: Meaning = ['UNAVAILABLE', 'the service can not be reached'];

/** What an error of the service means, by its code. */
const CODES: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: ['INVALID_ARGUMENT', 'there is no such bucket; create it'],
  InvalidBucketName: ['INVALID_ARGUMENT', 'the service takes no such name for a bucket'],
  InvalidAccessKeyId: REFUSED,
  SignatureDoesNotMatch: REFUSED,
  InvalidToken: REFUSED,
  ExpiredToken: ['UNAUTHENTICATED', 'the credentials have expired'],
  TokenRefreshRequired: ['UNAUTHENTICATED', 'the credentials have expired'],
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  AccountProblem: DENIED,
  PermanentRedirect: ELSEWHERE,
  TemporaryRedirect: ['UNAVAILABLE', 'the bucket was made so recently that requests still go elsewhere'],
  AuthorizationHeaderMalformed: ELSEWHERE,
  IllegalLocationConstraintException: ELSEWHERE,
  SlowDown: SLOWER,
  Throttling: SLOWER,
  ThrottlingException: SLOWER,
  TooManyRequestsException: SLOWER,
  RequestLimitExceeded: SLOWER,
  RequestTimeout: ['UNAVAILABLE', 'the connection was too slow for the service'],
  RequestTimeTooSkewed: ['UNAVAILABLE', 'the clock of this machine is wrong; set it'],
  OperationAborted: ['UNAVAILABLE', 'others are changing the bucket'],
  BadDigest: DAMAGED,
  IncompleteBody: DAMAGED,
  XAmzContentSHA256Mismatch: DAMAGED,
  EntityTooLarge: ['TOO_LARGE', 'the service takes no body of that size'],
  QuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  NotImplemented: ['UNSUPPORTED', 'the service does not know such a request'],
  InvalidObjectState: ['UNAVAILABLE', 'the object was archived; restore it from the archive', false],
};

/** What an answer means by its status, where its code says nothing. */
const STATUSES: Readonly<Record<number, Meaning>> = {
  301: ELSEWHERE,
  307: ELSEWHERE,
  401: REFUSED,
  403: DENIED,
  429: SLOWER,
  503: ['UNAVAILABLE', 'the service is busy'],
  507: FULL,
};

/** What the service calls a key that is not there. */
export const NO_SUCH_KEY = 'NoSuchKey';

/** Codes of Node for connections that were never made. */
const UNCONNECTED: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
]);
/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;
/** What the SDK says where it finds something missing before it sends. */
const NO_CREDENTIALS = /CredentialsProviderError|TokenProviderError/;
const NO_REGION = /Region is missing/;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  readonly exchange: Exchange | undefined;
  /** Whether it may have changed something: it was sent, and is no read. */
  readonly uncertain: boolean;
  /** Whether it had a condition. */
  readonly conditional: boolean;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** The code of the service in an error; `undefined` where the service gave none, or it did not get here whole. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && '$fault' in error ? error.name : undefined;
}

/** Whether the service gave this code for what became an error of ours. */
export function isCausedBy(error: unknown, code: string): boolean {
  return SecureStoreError.is(error) && error.cause instanceof Error && error.cause.name === code;
}

/** Translates an error of the SDK. */
export function toStoreError(error: unknown, call: FailedCall): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const { exchange, uncertain, conditional, secrets, ...site } = call;
  const status = exchange?.status;
  const code = codeOf(error);
  if (conditional && isFailedCondition(code, status)) return conflictError(site);
  const meaning = meaningOf(error, code, status);
  const unknown = uncertain && !isRefusal(error, meaning, status);
  const region = meaning === ELSEWHERE ? exchange?.headers['x-amz-bucket-region'] : undefined;
  const advice = region === undefined || !/^[a-z0-9-]+$/.test(region) ? meaning[1] : `${meaning[1]}${region}`;
  const result = unknown ? '; it may or may not have taken place, read to find out' : '';
  return new SecureStoreError(meaning[0], `s3: ${site.operation} failed: ${advice}${result}.`, {
    ...site,
    retryable: meaning[2],
    outcome: unknown ? 'unknown' : undefined,
    cause: cleaned(error, status, secrets),
  });
}

/** A service that finds no object for an etag says that there is none; one that is busy with another write, 409. */
function isFailedCondition(code: string | undefined, status: number | undefined): boolean {
  return status === 412 || code === 'ConditionalRequestConflict' || code === NO_SUCH_KEY;
}

function meaningOf(error: unknown, code: string | undefined, status: number | undefined): Meaning {
  const known = code === undefined ? undefined : CODES[code];
  if (known !== undefined) return known;
  if (status !== undefined) {
    const found = STATUSES[status];
    if (found !== undefined) return found;
    if (status >= 500 || status < 300) return ['UNAVAILABLE', `the service failed with status ${status}`];
    return code === undefined ? STRANGE : ['INTERNAL', `the service answered with status ${status}`];
  }
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  if (NO_CREDENTIALS.test(name)) return ['UNAUTHENTICATED', 'no credentials were found where the AWS SDK looks'];
  if (NO_REGION.test(message)) return ['INVALID_ARGUMENT', 'no region was found; name it with ?region='];
  if (UNTRUSTED.test(nodeCodeOf(error))) {
    return ['UNAVAILABLE', 'the certificate of the service is not trusted; give its authority as ca', false];
  }
  return UNREACHABLE;
}

/** Whether the error says for sure that nothing was changed. */
function isRefusal(error: unknown, [code]: Meaning, status: number | undefined): boolean {
  if (status !== undefined) return (status >= 300 && status < 500) || code === 'THROTTLED' || code === 'NO_SPACE';
  const nodeCode = nodeCodeOf(error);
  return UNCONNECTED.has(nodeCode) || UNTRUSTED.test(nodeCode);
}

function nodeCodeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** An error of the SDK has the whole exchange in it; only what it says is kept. */
function cleaned(error: unknown, status: number | undefined, secrets: readonly string[]): Error {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message));
  clean.name = name;
  const details = { code: nodeCodeOf(error) || undefined, status };
  for (const [key, value] of Object.entries(details)) if (value !== undefined) Object.assign(clean, { [key]: value });
  return clean;
}
