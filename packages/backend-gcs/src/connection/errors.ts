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
  reason: 'the credentials must allow to read, write, delete and list objects',
  advice: CHECK_ACCESS,
};
const BUSY: Failure = { code: 'THROTTLED', reason: 'the service allows no more requests at the moment' };
const KEPT: Failure = { code: 'READ_ONLY', reason: 'a hold or a retention policy protects the object' };
const STRANGE: Failure = {
  code: 'UNAVAILABLE',
  reason: 'the endpoint or a proxy gave an answer that is not one of Cloud Storage',
};
const NO_TOKEN: Failure = {
  code: 'UNAUTHENTICATED',
  reason: 'the credentials give no token, or none were found',
  advice: CHECK_ACCESS,
};

/** What an error means by its reason, https://cloud.google.com/storage/docs/json_api/v1/status-codes. */
const REASONS: Readonly<Record<string, Failure>> = {
  rateLimitExceeded: BUSY,
  userRateLimitExceeded: BUSY,
  quotaExceeded: BUSY,
  retentionPolicyNotMet: KEPT,
  objectUnderActiveHold: KEPT,
};

const GONE = 'the bucket does not exist';
const TOKENS = 'the service that gives tokens';
/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;
/** With these no request was sent. */
const UNSENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/;
/** Errors of `google-auth-library` if it finds no credentials, or none that it can read. */
const NO_CREDENTIALS = /default credentials|private key|DECODER|PEM|keyFile|client_email/i;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it changes something if it reaches the service. */
  readonly mutates: boolean;
  /** The address of our requests; others are those for a token. */
  readonly endpoint: string;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** What is known of an error of the SDK. */
interface Answer {
  readonly status: number | undefined;
  readonly code: string;
  readonly reason: string;
  readonly url: string;
  readonly message: string;
}

function answerOf(error: unknown): Answer {
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

/** The error for an answer with which the service refuses a request. */
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

/** Whether the object does not exist; `undefined` if the bucket may be what does not exist. */
export function isMissing(error: unknown): boolean | undefined {
  const { status, message } = answerOf(error);
  if (status !== 404 || /bucket does not exist/.test(message)) return false;
  return /No such object/.test(message) ? true : undefined;
}

/** Whether a range begins at or past the end. */
export function isPastEnd(error: unknown): boolean {
  return answerOf(error).status === 416;
}

export function isConflict(error: unknown): boolean {
  return answerOf(error).status === 412;
}

/** An answer without what every answer of the service has. */
export function strangeAnswer({ site, mutates }: { readonly site: CallSite; readonly mutates: boolean }): Error {
  const cause = new Error('something is missing in the answer');
  return failedError(site, STRANGE, { outcome: mutates ? 'unknown' : undefined, cause });
}

/** Translates an error of the SDK. */
export function toStoreError(error: unknown, { mutates, endpoint, secrets, ...site }: FailedCall): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const answer = answerOf(error);
  const forToken = answer.url !== '' && !answer.url.startsWith(endpoint);
  const outcome = mutates && !forToken && isUncertain(answer) ? 'unknown' : undefined;
  return failedError(site, meaningOf(answer, site, forToken), { outcome, cause: cleaned(error, answer, secrets) });
}

function meaningOf(
  { status, code, reason, message, url }: Answer,
  { operation }: CallSite,
  forToken: boolean,
): Failure {
  if (status === undefined) {
    if (UNTRUSTED.test(code)) {
      const untrusted = 'the certificate of the service is not trusted';
      const advice = [{ id: 'give-tls-ca', setting: 'ca' }] as const;
      return { code: 'UNAVAILABLE', reason: untrusted, retryable: false, advice };
    }
    if (url === '' && NO_CREDENTIALS.test(message + code)) return NO_TOKEN;
    return {
      code: 'UNAVAILABLE',
      reason: `${forToken ? TOKENS : 'the service'} cannot be reached`,
      advice: CHECK_STORE_URL,
    };
  }
  if (forToken) return status >= 500 ? { code: 'UNAVAILABLE', reason: `${TOKENS} failed` } : NO_TOKEN;
  const found = REASONS[reason];
  if (found !== undefined) return found;
  if (status === 401) return REFUSED;
  if (status === 403) return DENIED;
  if (status === 404) {
    return operation === 'init'
      ? { code: 'INVALID_ARGUMENT', reason: GONE, advice: CHECK_STORE_URL }
      : { code: 'UNAVAILABLE', reason: GONE, retryable: false, advice: CHECK_STORE_URL };
  }
  if (status === 429) return BUSY;
  if (status === 408 || status >= 500) return { code: 'UNAVAILABLE', reason: 'the service failed' };
  if (status < 400 || reason === '') return STRANGE;
  return { code: 'INTERNAL', reason: `the service answered with ${status} ${reason}` };
}

/** Whether what was asked may have been done all the same. */
function isUncertain({ status, code, message, url }: Answer): boolean {
  if (status !== undefined) return status < 400 || status === 408 || status >= 500;
  return !UNSENT.test(code) && !UNTRUSTED.test(code) && !(url === '' && NO_CREDENTIALS.test(message + code));
}

/** An error of the SDK holds the whole request, with credentials and body. */
function cleaned(error: unknown, { status, code, reason, message }: Answer, secrets: readonly string[]): Error {
  const [line = ''] = message.split('\n');
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), line.slice(0, 300)));
  if (error instanceof Error) clean.name = error.name;
  const name = code || reason;
  return Object.assign(clean, name === '' ? {} : { code: name }, status === undefined ? {} : { status });
}
