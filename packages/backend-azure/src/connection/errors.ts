import { isRestError } from '@azure/storage-blob';
import { type CallSite, type Failure, failedError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

const CHECK_ACCESS = [{ id: 'check-backend-access' }] as const;
const CHECK_STORE_URL = [{ id: 'check-store-url' }] as const;
const REFUSED: Failure = {
  code: 'UNAUTHENTICATED',
  reason: 'the service refuses the credentials',
  advice: CHECK_ACCESS,
};
const DENIED: Failure = {
  code: 'ACCESS_DENIED',
  reason: 'the credentials must allow to read, write, delete and list blobs',
  advice: CHECK_ACCESS,
};
const KEPT: Failure = {
  code: 'READ_ONLY',
  reason: 'a lease, snapshot, legal hold or retention policy protects the blob',
};
const BUSY: Failure = { code: 'THROTTLED', reason: 'the service allows no more requests at the moment' };
const FAILED: Failure = { code: 'UNAVAILABLE', reason: 'the service failed' };
const STRANGE: Failure = {
  code: 'UNAVAILABLE',
  reason: 'the endpoint or a proxy gave an answer that is not one of Blob Storage',
};

/** What an error means by its code, https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes. */
const CODES: Readonly<Record<string, Failure>> = {
  AuthenticationFailed: REFUSED,
  InvalidAuthenticationInfo: REFUSED,
  NoAuthenticationInformation: REFUSED,
  PublicAccessNotPermitted: REFUSED,
  KeyBasedAuthenticationNotPermitted: {
    code: 'ACCESS_DENIED',
    reason: 'the account allows no keys, only credentials of @azure/identity',
    advice: CHECK_ACCESS,
  },
  AccountIsDisabled: { code: 'ACCESS_DENIED', reason: 'the account is disabled' },
  ContainerDisabled: { code: 'ACCESS_DENIED', reason: 'the container is disabled' },
  ContainerBeingDeleted: { code: 'UNAVAILABLE', reason: 'the container is being deleted' },
  AccountBeingCreated: { code: 'UNAVAILABLE', reason: 'the account is being created' },
  ServerBusy: BUSY,
  BlobArchived: { code: 'UNAVAILABLE', reason: 'the blob is in the archive tier', retryable: false },
  BlobBeingRehydrated: { code: 'UNAVAILABLE', reason: 'the blob is being moved out of the archive tier' },
  BlobImmutableDueToPolicy: KEPT,
  SnapshotsPresent: KEPT,
  // There are a dozen codes for leases; others are found by their beginning.
  LeaseIdMissing: KEPT,
  LeaseIdMismatchWithBlobOperation: KEPT,
  PARSE_ERROR: STRANGE,
};

const GONE = 'the container does not exist';
/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;
/** With these no request was sent. */
const UNSENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/;
/** Errors of `@azure/identity`. */
const IDENTITY = /^(?:Aggregate)?Authentication|^CredentialUnavailable/;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it changes something if it reaches the service. */
  readonly mutates: boolean;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** What is known of an error of the SDK. */
interface Answer {
  readonly status: number | undefined;
  readonly code: string;
}

function answerOf(error: unknown): Answer {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  // An answer without a body, as to HEAD, has its code in a header.
  const header = isRestError(error) ? error.response?.headers.get('x-ms-error-code') : undefined;
  return {
    status: typeof statusCode === 'number' ? statusCode : undefined,
    code: header ?? (typeof code === 'string' ? code : ''),
  };
}

/** Whether the blob does not exist, in a container that does. */
export function isMissing(error: unknown): boolean {
  const { status, code } = answerOf(error);
  return status === 404 && code === 'BlobNotFound';
}

/** Whether a range begins at or past the end. */
export function isPastEnd(error: unknown): boolean {
  const { status, code } = answerOf(error);
  return status === 416 && code === 'InvalidRange';
}

/** Whether a condition does not hold: some services answer with 412 to all, others with 409 if a blob should be absent. */
export function isConflict(error: unknown): boolean {
  const { status, code } = answerOf(error);
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
  const answer = answerOf(error);
  const outcome = mutates && isUncertain(error, answer) ? 'unknown' : undefined;
  return failedError(site, meaningOf(error, answer, site), { outcome, cause: cleaned(error, answer, secrets) });
}

function meaningOf(error: unknown, { status, code }: Answer, { operation }: CallSite): Failure {
  if (code === 'ContainerNotFound') {
    return operation === 'init'
      ? { code: 'INVALID_ARGUMENT', reason: GONE, advice: CHECK_STORE_URL }
      : { code: 'UNAVAILABLE', reason: GONE, retryable: false, advice: CHECK_STORE_URL };
  }
  const found = CODES[code];
  if (found !== undefined) return found;
  if (status !== undefined) return meaningOfStatus(status, code);
  if (error instanceof Error && IDENTITY.test(error.name)) {
    return { code: 'UNAUTHENTICATED', reason: 'no credentials were found that give a token', advice: CHECK_ACCESS };
  }
  if (UNTRUSTED.test(code)) {
    const reason = 'the certificate of the service is not trusted';
    return { code: 'UNAVAILABLE', reason, retryable: false, advice: [{ id: 'give-tls-ca', setting: 'ca' }] };
  }
  return { code: 'UNAVAILABLE', reason: 'the service cannot be reached', advice: CHECK_STORE_URL };
}

function meaningOfStatus(status: number, code: string): Failure {
  if (status === 401) return REFUSED;
  if (status === 403) return DENIED;
  if (status === 429) return BUSY;
  if (status >= 500) return FAILED;
  if (code === '' || status < 400) return STRANGE;
  if (code.startsWith('Lease') || code.startsWith('BlobImmutable')) return KEPT;
  return { code: 'INTERNAL', reason: `the service answered with ${status} ${code}` };
}

/** Whether what was asked may have been done all the same. */
function isUncertain(error: unknown, { status, code }: Answer): boolean {
  if (code === 'ServerBusy' || UNSENT.test(code) || UNTRUSTED.test(code)) return false;
  if (error instanceof Error && IDENTITY.test(error.name)) return false;
  return status === undefined || status < 400 || status >= 500;
}

/** An error of the SDK holds the whole request, with credentials and body, and what was signed and how. */
function cleaned(error: unknown, { status, code }: Answer, secrets: readonly string[]): Error {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const [line = ''] = message.split('\n');
  const shown = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), line);
  const clean = new Error(shown);
  clean.name = name;
  return Object.assign(clean, code === '' ? {} : { code }, status === undefined ? {} : { statusCode: status });
}
