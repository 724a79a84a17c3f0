import { type CallSite, type Failure, failedError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Document } from 'mongodb';

/** What an error means. `unknown`: a change that was sent may have been made; else it was not. */
interface Meaning extends Failure {
  readonly unknown?: true;
}

const CHECK_ACCESS = [{ id: 'check-backend-access' }] as const;
const CHECK_STORE_URL = [{ id: 'check-store-url' }] as const;

const REFUSED: Meaning = {
  code: 'UNAUTHENTICATED',
  reason: 'the server refuses the credentials',
  advice: CHECK_ACCESS,
};
const LACKS: Meaning = {
  code: 'UNSUPPORTED',
  reason: 'the server lacks commands of MongoDB that a store needs',
  advice: [{ id: 'choose-store-url' }],
};
const TOO_LONG: Meaning = { code: 'TIMEOUT', reason: 'the server gave up after the timeout' };
const CHANGING: Meaning = {
  code: 'UNAVAILABLE',
  reason: 'the server stops or hands over to another primary',
  unknown: true,
};
const NO_PRIMARY: Meaning = { code: 'UNAVAILABLE', reason: 'the server is not the primary' };
const INDEX: Meaning = {
  code: 'INTEGRITY',
  reason: 'the index securestore_listing of the store is missing',
  advice: [{ id: 'restore-store' }],
};

/** What an error answer means, by its code. */
const ANSWERS: Readonly<Record<number, Meaning>> = {
  13: { code: 'ACCESS_DENIED', reason: 'the user needs the role readWrite on the database', advice: CHECK_ACCESS },
  18: REFUSED,
  8000: REFUSED,
  50: TOO_LONG,
  262: TOO_LONG,
  64: { code: 'TIMEOUT', reason: 'too few servers of the replica set confirmed the change in time', unknown: true },
  100: {
    code: 'UNAVAILABLE',
    reason: 'too few servers of the replica set are left to confirm a change',
    unknown: true,
  },
  6: CHANGING,
  7: CHANGING,
  89: CHANGING,
  91: CHANGING,
  189: CHANGING,
  9001: CHANGING,
  11600: CHANGING,
  11602: CHANGING,
  10058: NO_PRIMARY,
  10107: NO_PRIMARY,
  13435: NO_PRIMARY,
  13436: NO_PRIMARY,
  112: { code: 'UNAVAILABLE', reason: 'another process wrote the same key at the same time' },
  134: { code: 'UNAVAILABLE', reason: 'the server has not caught up yet' },
  462: { code: 'THROTTLED', reason: 'the server is overloaded' },
  10334: { code: 'TOO_LARGE', reason: 'the server allows no document of that size' },
  14031: { code: 'NO_SPACE', reason: 'the disk of the server is full' },
  59: LACKS,
  115: LACKS,
  238: LACKS,
  73: { code: 'INVALID_ARGUMENT', reason: 'the server allows no database or collection of that name' },
};

const DUPLICATE_KEY = 11_000;
const WRITE_CONFLICT = 112;
const BAD_VALUE = 2;
/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;
/** Errors of the driver that come before it sends anything. */
const UNSENT: ReadonlySet<string> = new Set([
  'MongoServerSelectionError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
]);

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it may have changed something: it was sent, and is not a read. */
  readonly uncertain: boolean;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** Whether a key that was to be created exists already. */
export function isDuplicate(error: unknown): boolean {
  return codeOf(error) === DUPLICATE_KEY;
}

/** Whether the server did nothing, since another process wrote the same key at the same time. */
export function isCollision(error: unknown): boolean {
  return codeOf(error) === DUPLICATE_KEY || codeOf(error) === WRITE_CONFLICT;
}

/** The code of an error that the server answered with, also of a translated error. */
function codeOf(error: unknown): number | undefined {
  const { code } = (SecureStoreError.is(error) ? error.cause : error) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

/** Whether the index of the listing does not exist. */
export function lacksIndex(error: unknown): boolean {
  return SecureStoreError.is(error, 'INTEGRITY') && codeOf(error) === BAD_VALUE;
}

/** The error of a single operation in an answer that says `ok`. */
export function writeErrorOf(answer: Document): Error | undefined {
  const [first] = (answer['writeErrors'] as Document[] | undefined) ?? [];
  if (first === undefined) return undefined;
  return Object.assign(new Error(String(first['errmsg'])), {
    name: 'MongoServerError',
    code: first['code'] as unknown,
  });
}

/** Whether the driver failed before it sent the command, or while it connected. */
export function wasNotSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return UNSENT.has(error.name) || labelsOf(error).has('SystemOverloadedError');
}

function labelsOf(error: Error): ReadonlySet<string> {
  const { errorLabels } = error as { errorLabels?: unknown };
  return new Set(Array.isArray(errorLabels) ? errorLabels.map(String) : []);
}

/** Translates an error of the driver. */
export function toStoreError(error: unknown, { uncertain, secrets, ...site }: FailedCall): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const meaning = meaningOf(error);
  const outcome = uncertain && meaning.unknown === true ? 'unknown' : undefined;
  return failedError(site, meaning, { outcome, cause: cleaned(error, secrets) });
}

function meaningOf(error: unknown): Meaning {
  const name = error instanceof Error ? error.name : '';
  const chain = causesOf(error);
  const answer = chain.find(isAnswer);
  if (answer !== undefined) return answerOf(answer);
  const codes = chain.map((cause) => String((cause as { code?: unknown }).code));
  if (codes.some((code) => UNTRUSTED.test(code))) {
    const reason = 'the certificate of the server is not trusted';
    return { code: 'UNAVAILABLE', reason, retryable: false, advice: [{ id: 'give-tls-ca', setting: 'ca' }] };
  }
  switch (name) {
    case 'MongoParseError':
    case 'MongoAPIError':
    case 'MongoInvalidArgumentError':
      return { code: 'INVALID_ARGUMENT', reason: 'the driver refuses the store URL or the options' };
    case 'MongoMissingCredentialsError':
    case 'MongoAWSError':
    case 'MongoAzureError':
    case 'MongoGCPError':
    case 'MongoKerberosError':
    case 'MongoOIDCError':
      return { code: 'UNAUTHENTICATED', reason: 'the driver finds no usable credentials', advice: CHECK_ACCESS };
    case 'MongoMissingDependencyError':
      return {
        code: 'INVALID_ARGUMENT',
        reason: 'the driver lacks a package for the store URL or the options',
      };
    case 'MongoWaitQueueTimeoutError':
      return { code: 'TIMEOUT', reason: 'no connection was free in time' };
    case 'MongoNetworkTimeoutError':
    case 'MongoOperationTimeoutError':
      return { code: 'TIMEOUT', reason: 'the server does not answer', unknown: true };
    case 'MongoCompatibilityError':
      return LACKS;
    default:
      break;
  }
  if (codes.some((code) => code === 'ENOENT' || code === 'EACCES') && !name.startsWith('Mongo')) {
    return { code: 'INVALID_ARGUMENT', reason: 'a file that the store URL names cannot be read' };
  }
  // Neither the driver nor the system threw this error. A listener of the caller's client may have.
  const inside = !chain.some((cause) => cause.name.startsWith('Mongo') || 'code' in cause);
  if (inside) return { code: 'INTERNAL', reason: 'code outside the driver failed', unknown: true };
  return { code: 'UNAVAILABLE', reason: 'the server cannot be reached', unknown: true, advice: CHECK_STORE_URL };
}

/** By its name: the caller's client may be of another copy of the driver. */
function isAnswer(error: Error): boolean {
  return (error.name === 'MongoServerError' || error.name === 'MongoWriteConcernError') && codeOf(error) !== undefined;
}

function answerOf(error: Error): Meaning {
  const code = codeOf(error);
  const found = code === undefined ? undefined : ANSWERS[code];
  const meaning = code === 13 && /requires authentication/.test(error.message) ? REFUSED : found;
  if (code === BAD_VALUE && /\bhint\b/.test(error.message)) return INDEX;
  const known = meaning ?? { code: 'INTERNAL', reason: `the server answered with error ${code ?? 'without a code'}` };
  // The change was made, but too few servers have confirmed it.
  return error.name === 'MongoWriteConcernError' ? { ...known, unknown: true } : known;
}

/** An error and its causes. */
function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let cause = error; cause instanceof Error && chain.length < 10; cause = cause.cause) chain.push(cause);
  return chain;
}

/** An error of the driver holds the answer of the server and all that is known of the servers; only its message is kept. */
function cleaned(error: unknown, secrets: readonly string[]): Error {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message));
  clean.name = name;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' || typeof code === 'number' ? Object.assign(clean, { code }) : clean;
}
