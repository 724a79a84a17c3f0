import { isRestError } from '@azure/storage-blob';
import type { CallSite } from '@securestore/backend-api';
import { SecureStoreError, type ErrorCode } from '@securestore/core-format';

type Meaning = readonly [code: ErrorCode, advice: string, retryable?: boolean];

const REFUSED: Meaning = ['UNAUTHENTICATED', 'the service refuses the credentials'];
const DENIED: Meaning = [
  'ACCESS_DENIED',
  'the credentials do not allow it: reading, writing, deleting and listing blobs',
];
const KEPT: Meaning = [
  'READ_ONLY',
  'a lease, a snapshot, a legal hold or a retention policy on the blob forbids it; take that away',
];
const BUSY: Meaning = ['THROTTLED', 'the service takes no more requests at the moment'];
const FAILED: Meaning = ['UNAVAILABLE', 'the service could not do it'];
const STRANGE: Meaning = ['UNAVAILABLE', 'the answer is not one of Blob Storage; look at endpoint and proxies'];

/** What an error means by its code, https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes. */
const CODES: Readonly<Record<string, Meaning>> = {
  AuthenticationFailed: REFUSED,
  InvalidAuthenticationInfo: REFUSED,
  NoAuthenticationInformation: REFUSED,
  PublicAccessNotPermitted: REFUSED,
  KeyBasedAuthenticationNotPermitted: [
    'ACCESS_DENIED',
    'the account takes no keys; use a credential of @azure/identity',
  ],
  AccountIsDisabled: ['ACCESS_DENIED', 'the account is disabled'],
  ContainerDisabled: ['ACCESS_DENIED', 'the container is disabled'],
  ContainerBeingDeleted: ['UNAVAILABLE', 'the container is being deleted'],
  AccountBeingCreated: ['UNAVAILABLE', 'the account is being created'],
  ServerBusy: BUSY,
  BlobArchived: ['UNAVAILABLE', 'the blob is in the archive tier; bring it back to an online one', false],
  BlobBeingRehydrated: ['UNAVAILABLE', 'the blob is on its way back from the archive tier'],
  BlobImmutableDueToPolicy: KEPT,
  SnapshotsPresent: KEPT,
  // Not ours to say which of the leases: there are a dozen codes.
  LeaseIdMissing: KEPT,
  LeaseIdMismatchWithBlobOperation: KEPT,
  PARSE_ERROR: STRANGE,
};

const GONE = 'there is no such container; create it';
/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;
/** With these no request was sent. */
const UNSENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/;
/** Errors of `@azure/identity`. */
const IDENTITY = /^(?:Aggregate)?Authentication|^CredentialUnavailable/;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it changes something where it reaches the service. */
  readonly mutates: boolean;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** What is known of an error of the SDK. */
interface Failure {
  readonly status: number | undefined;
  readonly code: string;
}

function failureOf(error: unknown): Failure {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  // An answer without a body, as to HEAD, has its code in a header.
  const header = isRestError(error) ? error.response?.headers.get('x-ms-error-code') : undefined;
  return {
    status: typeof statusCode === 'number' ? statusCode : undefined,
    code: header ?? (typeof code === 'string' ? code : ''),
  };
}

/** Whether there is no such blob, in a container that is there. */
export function isMissing(error: unknown): boolean {
  const { status, code } = failureOf(error);
  return status === 404 && code === 'BlobNotFound';
}

/** Whether a range begins at or past the end. */
export function isPastEnd(error: unknown): boolean {
  const { status, code } = failureOf(error);
  return status === 416 && code === 'InvalidRange';
}

/** Whether a condition does not hold: one answers with 412 to all, others with 409 where a blob should be absent. */
export function isConflict(error: unknown): boolean {
  const { status, code } = failureOf(error);
  return (status === 412 && code === 'ConditionNotMet') || (status === 409 && code === 'BlobAlreadyExists');
}

/** An answer without what every answer of the service has. */
export function strangeAnswer({ site, mutates }: { readonly site: CallSite; readonly mutates: boolean }): Error {
  const error = Object.assign(new Error('something is missing in the answer'), { code: 'PARSE_ERROR' });
  return toStoreError(error, { ...site, mutates, secrets: [] });
}

/** Translates an error of the SDK. */
export function toStoreError(error: unknown, { mutates, secrets, ...site }: FailedCall): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const failure = failureOf(error);
  const [code, advice, retryable] = meaningOf(error, failure, site);
  const unknown = mutates && isUncertain(error, failure);
  const result = unknown ? '; it may or may not have taken place, read to find out' : '';
  return new SecureStoreError(code, `azure: ${site.operation} failed: ${advice}${result}.`, {
    ...site,
    retryable,
    outcome: unknown ? 'unknown' : undefined,
    cause: cleaned(error, failure, secrets),
  });
}

function meaningOf(error: unknown, { status, code }: Failure, { operation }: CallSite): Meaning {
  if (code === 'ContainerNotFound') {
    return operation === 'init' ? ['INVALID_ARGUMENT', GONE] : ['UNAVAILABLE', GONE, false];
  }
  const found = CODES[code];
  if (found !== undefined) return found;
  if (status !== undefined) return meaningOfStatus(status, code);
  if (error instanceof Error && IDENTITY.test(error.name)) {
    return ['UNAUTHENTICATED', 'no credentials were found that give a token; give some as options'];
  }
  if (UNTRUSTED.test(code)) {
    return ['UNAVAILABLE', 'the certificate of the service is not trusted; give its authority as ca', false];
  }
  return ['UNAVAILABLE', 'the service can not be reached'];
}

function meaningOfStatus(status: number, code: string): Meaning {
  if (status === 401) return REFUSED;
  if (status === 403) return DENIED;
  if (status === 429) return BUSY;
  if (status >= 500) return FAILED;
  if (code === '' || status < 400) return STRANGE;
  if (code.startsWith('Lease') || code.startsWith('BlobImmutable')) return KEPT;
  return ['INTERNAL', `the service answered with ${status} ${code}`];
}

/** Whether what was asked may have been done all the same. */
function isUncertain(error: unknown, { status, code }: Failure): boolean {
  if (code === 'ServerBusy' || UNSENT.test(code) || UNTRUSTED.test(code)) return false;
  if (error instanceof Error && IDENTITY.test(error.name)) return false;
  return status === undefined || status < 400 || status >= 500;
}

/** An error of the SDK has the whole request in it, with credentials and body, and says what was signed and how. */
function cleaned(error: unknown, { status, code }: Failure, secrets: readonly string[]): Error {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const [line = ''] = message.split('\n');
  const shown = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), line);
  const clean = new Error(shown);
  clean.name = name;
  return Object.assign(clean, code === '' ? {} : { code }, status === undefined ? {} : { statusCode: status });
}
