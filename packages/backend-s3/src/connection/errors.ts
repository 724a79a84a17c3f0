import { type CallSite, conflictError, type Failure, failedError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Exchange } from './exchange.ts';
import { FORM } from './location.ts';

const CHECK_ACCESS = [{ id: 'check-backend-access' }] as const;
const CHECK_STORE_URL = [{ id: 'check-store-url' }] as const;
const REFUSED: Failure = {
  code: 'UNAUTHENTICATED',
  reason: 'the service refuses the credentials',
  advice: CHECK_ACCESS,
};
const EXPIRED: Failure = { code: 'UNAUTHENTICATED', reason: 'the credentials have expired', advice: CHECK_ACCESS };
const DENIED: Failure = {
  code: 'ACCESS_DENIED',
  reason: 'the credentials need ListBucket, GetObject, PutObject and DeleteObject',
  advice: CHECK_ACCESS,
};
const ELSEWHERE: Failure = {
  code: 'INVALID_ARGUMENT',
  reason: 'the bucket is in another region',
  advice: [{ id: 'give-store-url', form: FORM }],
};
const SLOWER: Failure = { code: 'THROTTLED', reason: 'the service asks for fewer requests' };
const DAMAGED: Failure = { code: 'UNAVAILABLE', reason: 'the body was damaged in transit' };
const FULL: Failure = { code: 'NO_SPACE', reason: 'the service has no space left, or the quota is used up' };
const STRANGE: Failure = {
  code: 'UNAVAILABLE',
  reason: 'an answer broke off or is not one of S3, from the endpoint or a proxy',
};
const UNREACHABLE: Failure = {
  code: 'UNAVAILABLE',
  reason: 'the service cannot be reached',
  advice: CHECK_STORE_URL,
};

/** What an error of the service means, by its code. */
const CODES: Readonly<Record<string, Failure>> = {
  NoSuchBucket: { code: 'INVALID_ARGUMENT', reason: 'the bucket does not exist', advice: CHECK_STORE_URL },
  InvalidBucketName: { code: 'INVALID_ARGUMENT', reason: 'the service allows no such name of a bucket' },
  InvalidAccessKeyId: REFUSED,
  SignatureDoesNotMatch: REFUSED,
  InvalidToken: REFUSED,
  ExpiredToken: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  AccountProblem: DENIED,
  PermanentRedirect: ELSEWHERE,
  TemporaryRedirect: { code: 'UNAVAILABLE', reason: 'the bucket is new, and requests to it still go elsewhere' },
  AuthorizationHeaderMalformed: ELSEWHERE,
  IllegalLocationConstraintException: ELSEWHERE,
  SlowDown: SLOWER,
  Throttling: SLOWER,
  ThrottlingException: SLOWER,
  TooManyRequestsException: SLOWER,
  RequestLimitExceeded: SLOWER,
  RequestTimeout: { code: 'UNAVAILABLE', reason: 'the connection was too slow for the service' },
  RequestTimeTooSkewed: {
    code: 'UNAVAILABLE',
    reason: 'the clock of this machine is wrong',
    advice: [{ id: 'set-clock' }],
  },
  OperationAborted: { code: 'UNAVAILABLE', reason: 'another request is changing the bucket' },
  BadDigest: DAMAGED,
  IncompleteBody: DAMAGED,
  XAmzContentSHA256Mismatch: DAMAGED,
  EntityTooLarge: { code: 'TOO_LARGE', reason: 'the service allows no body of that size' },
  QuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  NotImplemented: { code: 'UNSUPPORTED', reason: 'the service does not know such a request' },
  InvalidObjectState: { code: 'UNAVAILABLE', reason: 'the object is in an archive', retryable: false },
};

/** What an answer means by its status, if its code says nothing. */
const STATUSES: Readonly<Record<number, Failure>> = {
  301: ELSEWHERE,
  307: ELSEWHERE,
  401: REFUSED,
  403: DENIED,
  429: SLOWER,
  503: { code: 'UNAVAILABLE', reason: 'the service is busy' },
  507: FULL,
};

/** The code of the service for a key that does not exist. */
export const NO_SUCH_KEY = 'NoSuchKey';
/** How Ceph answers who lost a race: the error of its storage for that has no name in S3, as some others have none. */
export const LOST_RACE = 'UnknownError';

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
/** What the SDK says if something is missing before it sends. */
const NO_CREDENTIALS = /CredentialsProviderError|TokenProviderError/;
const NO_REGION = /Region is missing/;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  readonly exchange: Exchange | undefined;
  /** Whether it may have changed something: it was sent, and is not a read. */
  readonly uncertain: boolean;
  /** Whether it had a condition. */
  readonly conditional: boolean;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** The code of the service in an error; `undefined` if the service gave none, or the answer did not arrive whole. */
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
  const outcome = uncertain && !isRefusal(error, meaning, status) ? 'unknown' : undefined;
  const region = meaning === ELSEWHERE ? exchange?.headers['x-amz-bucket-region'] : undefined;
  const failure = region === undefined ? meaning : inRegion(region);
  return failedError(site, failure, { outcome, cause: cleaned(error, status, secrets) });
}

/** {@link ELSEWHERE} with the region that the service names. */
function inRegion(region: string): Failure {
  if (!/^[a-z0-9-]{1,64}$/.test(region)) return ELSEWHERE;
  const advice = [{ id: 'give-store-url', form: `s3://bucket/prefix?region=${region}` }] as const;
  return { ...ELSEWHERE, reason: `${ELSEWHERE.reason}, ${region}`, advice };
}

/** A service that finds no object for an etag answers that there is none; one that is busy with another write, 409. */
function isFailedCondition(code: string | undefined, status: number | undefined): boolean {
  return status === 412 || code === 'ConditionalRequestConflict' || code === NO_SUCH_KEY;
}

function meaningOf(error: unknown, code: string | undefined, status: number | undefined): Failure {
  const known = code === undefined ? undefined : CODES[code];
  if (known !== undefined) return known;
  if (status !== undefined) {
    const found = STATUSES[status];
    if (found !== undefined) return found;
    if (status >= 500 || status < 300) {
      return { code: 'UNAVAILABLE', reason: `the service failed with status ${status}` };
    }
    return code === undefined ? STRANGE : { code: 'INTERNAL', reason: `the service answered with status ${status}` };
  }
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  if (NO_CREDENTIALS.test(name)) {
    return { code: 'UNAUTHENTICATED', reason: 'the AWS SDK found no credentials', advice: CHECK_ACCESS };
  }
  if (NO_REGION.test(message)) {
    const advice = [{ id: 'give-store-url', form: FORM }] as const;
    return { code: 'INVALID_ARGUMENT', reason: 'the region is missing', advice };
  }
  if (UNTRUSTED.test(nodeCodeOf(error))) {
    const reason = 'the certificate of the service is not trusted';
    return { code: 'UNAVAILABLE', reason, retryable: false, advice: [{ id: 'give-tls-ca', setting: 'ca' }] };
  }
  return UNREACHABLE;
}

/** Whether it is certain that nothing was changed. */
function isRefusal(error: unknown, { code }: Failure, status: number | undefined): boolean {
  if (status !== undefined) return (status >= 300 && status < 500) || code === 'THROTTLED' || code === 'NO_SPACE';
  const nodeCode = nodeCodeOf(error);
  return UNCONNECTED.has(nodeCode) || UNTRUSTED.test(nodeCode);
}

function nodeCodeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** An error of the SDK holds the whole exchange; only its message is kept. */
function cleaned(error: unknown, status: number | undefined, secrets: readonly string[]): Error {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message));
  clean.name = name;
  const details = { code: nodeCodeOf(error) || undefined, status };
  for (const [key, value] of Object.entries(details)) if (value !== undefined) Object.assign(clean, { [key]: value });
  return clean;
}
