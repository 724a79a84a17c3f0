import type { CallSite } from '@securestore/backend-api';
import { SecureStoreError, type ErrorCode } from '@securestore/core-format';

type Meaning = readonly [code: ErrorCode, advice: string, retryable?: boolean];

const REFUSED: Meaning = ['UNAUTHENTICATED', 'the service refuses the credentials'];
const BUSY: Meaning = ['THROTTLED', 'the service takes no more requests at the moment'];
const KEPT: Meaning = ['READ_ONLY', 'a hold or a retention policy on the object forbids it; take that away'];
const STRANGE: Meaning = ['UNAVAILABLE', 'the answer is not one of Cloud Storage; look at endpoint and proxies'];
const NO_TOKEN: Meaning = [
  'UNAUTHENTICATED',
  'the credentials give no token, or none were found; give some as options, or run gcloud auth application-default login',
];

/** What an error means by its reason, https://cloud.google.com/storage/docs/json_api/v1/status-codes. */
const REASONS: Readonly<Record<string, Meaning>> = {
  rateLimitExceeded: BUSY,
  userRateLimitExceeded: BUSY,
  quotaExceeded: BUSY,
  retentionPolicyNotMet: KEPT,
  objectUnderActiveHold: KEPT,
};

const GONE = 'there is no such bucket; create it';
/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;
/** With these no request was sent. */
const UNSENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/;
/** Errors of `google-auth-library` where it finds no credentials, or none that it can read. */
const NO_CREDENTIALS = /default credentials|private key|DECODER|PEM|keyFile|client_email/i;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it changes something where it reaches the service. */
  readonly mutates: boolean;
  /** Where requests of ours go; others are those for a token. */
  readonly endpoint: string;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** What is known of an error of the SDK. */
interface Failure {
  readonly status: number | undefined;
  readonly code: string;
  readonly reason: string;
  readonly url: string;
  readonly message: string;
}

function failureOf(error: unknown): Failure {
  const { status, code, cause, config, response } = error as {
    readonly status?: unknown;
    readonly code?: unknown;
    readonly cause?: { readonly code?: unknown };
    readonly config?: { readonly url?: unknown };
    readonly response?: { readonly status?: unknown; readonly data?: unknown };
  };
  const said = response?.data as
    | { readonly error?: { readonly errors?: readonly { readonly reason?: unknown }[] } }
    | undefined;
  const reason = said?.error?.errors?.[0]?.reason;
  const answered = response?.status ?? status;
  const names = [code, cause?.code].filter((name) => typeof name === 'string');
  return {
    status: typeof answered === 'number' ? answered : undefined,
    code: names[0] ?? '',
    reason: typeof reason === 'string' ? reason : '',
    url: config?.url instanceof URL ? config.url.href : '',
    message: error instanceof Error ? error.message : String(error),
  };
}

/** What the service answered where it did not do what it was asked. */
export function answerError(url: string, { status, data }: { status: number; data: unknown }): Error {
  const said = data instanceof ArrayBuffer ? Buffer.from(data).toString() : data;
  const body = typeof said === 'string' ? parsed(said) : said;
  const message = (body as { error?: { message?: unknown } } | undefined)?.error?.message ?? body;
  const error = new Error(typeof message === 'string' ? message : `the service answered with ${status}`);
  error.name = 'ApiError';
  return Object.assign(error, { status, config: { url: new URL(url) }, response: { status, data: body } });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether the object is not there; `undefined` where the bucket may be what is not there. */
export function isMissing(error: unknown): boolean | undefined {
  const { status, message } = failureOf(error);
  if (status !== 404 || /bucket does not exist/.test(message)) return false;
  return /No such object/.test(message) ? true : undefined;
}

/** Whether a range begins at or past the end. */
export function isPastEnd(error: unknown): boolean {
  return failureOf(error).status === 416;
}

export function isConflict(error: unknown): boolean {
  return failureOf(error).status === 412;
}

/** An answer without what every answer of the service has. */
export function strangeAnswer({ site, mutates }: { readonly site: CallSite; readonly mutates: boolean }): Error {
  return failed(STRANGE, site, mutates, new Error('something is missing in the answer'));
}

/** Translates an error of the SDK. */
export function toStoreError(error: unknown, { mutates, endpoint, secrets, ...site }: FailedCall): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const failure = failureOf(error);
  const forToken = failure.url !== '' && !failure.url.startsWith(endpoint);
  const meaning = meaningOf(failure, site, forToken);
  return failed(meaning, site, mutates && !forToken && isUncertain(failure), cleaned(error, failure, secrets));
}

function failed([code, advice, retryable]: Meaning, site: CallSite, unknown: boolean, cause: Error): SecureStoreError {
  const result = unknown ? '; it may or may not have taken place, read to find out' : '';
  const outcome = unknown ? 'unknown' : undefined;
  const message = `gcs: ${site.operation} failed: ${advice}${result}.`;
  return new SecureStoreError(code, message, { ...site, retryable, outcome, cause });
}

function meaningOf(
  { status, code, reason, message, url }: Failure,
  { operation }: CallSite,
  forToken: boolean,
): Meaning {
  if (status === undefined) {
    if (UNTRUSTED.test(code)) {
      return ['UNAVAILABLE', 'the certificate of the service is not trusted; give its authority as ca', false];
    }
    if (url === '' && NO_CREDENTIALS.test(message + code)) return NO_TOKEN;
    return [
      'UNAVAILABLE',
      forToken ? 'the service that gives tokens can not be reached' : 'the service can not be reached',
    ];
  }
  if (forToken) return status >= 500 ? ['UNAVAILABLE', 'the service that gives tokens could not do it'] : NO_TOKEN;
  const found = REASONS[reason];
  if (found !== undefined) return found;
  if (status === 401) return REFUSED;
  if (status === 403)
    return ['ACCESS_DENIED', 'the credentials do not allow it: reading, writing, deleting and listing objects'];
  if (status === 404) return operation === 'init' ? ['INVALID_ARGUMENT', GONE] : ['UNAVAILABLE', GONE, false];
  if (status === 429) return BUSY;
  if (status === 408 || status >= 500) return ['UNAVAILABLE', 'the service could not do it'];
  if (status < 400 || reason === '') return STRANGE;
  return ['INTERNAL', `the service answered with ${status} ${reason}`];
}

/** Whether what was asked may have been done all the same. */
function isUncertain({ status, code, message, url }: Failure): boolean {
  if (status !== undefined) return status < 400 || status === 408 || status >= 500;
  return !UNSENT.test(code) && !UNTRUSTED.test(code) && !(url === '' && NO_CREDENTIALS.test(message + code));
}

/** An error of the SDK has the whole request in it, with credentials and body. */
function cleaned(error: unknown, { status, code, reason, message }: Failure, secrets: readonly string[]): Error {
  const [line = ''] = message.split('\n');
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), line.slice(0, 300)));
  if (error instanceof Error) clean.name = error.name;
  const name = code || reason;
  return Object.assign(clean, name === '' ? {} : { code: name }, status === undefined ? {} : { status });
}
