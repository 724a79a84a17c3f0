import type { CallSite } from '@securestore/backend-api';
import { SecureStoreError, type ErrorCode } from '@securestore/core-format';
import type { Document } from 'mongodb';

/** What an error means. `unknown`: a change that was sent may have been made; else it was not. */
interface Meaning {
  readonly code: ErrorCode;
  readonly advice: string;
  readonly retryable?: boolean;
  readonly unknown?: true;
}

const REFUSED: Meaning = { code: 'UNAUTHENTICATED', advice: 'the server refuses the credentials' };
const LACKS: Meaning = { code: 'UNSUPPORTED', advice: 'the server lacks what a store needs of MongoDB' };
const TOO_LONG: Meaning = { code: 'TIMEOUT', advice: 'the server gave it up after the timeout' };
const CHANGING: Meaning = {
  code: 'UNAVAILABLE',
  advice: 'the server stops or hands over to another primary',
  unknown: true,
};
const NO_PRIMARY: Meaning = { code: 'UNAVAILABLE', advice: 'the server is not the primary' };
const INDEX: Meaning = {
  code: 'INTEGRITY',
  advice: 'the index of the store is missing; restore the collection, or make the index securestore_listing again',
};

/** What an error answer means, by its code. */
const ANSWERS: Readonly<Record<number, Meaning>> = {
  13: { code: 'ACCESS_DENIED', advice: 'the user may not do this on the database; it needs the role readWrite' },
  18: REFUSED,
  8000: REFUSED,
  50: TOO_LONG,
  262: TOO_LONG,
  64: { code: 'TIMEOUT', advice: 'too few servers of the replica set confirmed it in time', unknown: true },
  100: { code: 'UNAVAILABLE', advice: 'too few servers of the replica set are left to confirm it', unknown: true },
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
  112: { code: 'UNAVAILABLE', advice: 'others wrote the same in the same moment' },
  134: { code: 'UNAVAILABLE', advice: 'the server has not caught up yet' },
  462: { code: 'THROTTLED', advice: 'the server has more to do than it can' },
  10334: { code: 'TOO_LARGE', advice: 'the server takes no document of that size' },
  14031: { code: 'NO_SPACE', advice: 'the disk of the server is full' },
  59: LACKS,
  115: LACKS,
  238: LACKS,
  73: { code: 'INVALID_ARGUMENT', advice: 'the server allows no database or collection of that name' },
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
  /** Whether it may have changed something: it was sent, and is no read. */
  readonly uncertain: boolean;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** Whether a key is there that was to be made. */
export function isDuplicate(error: unknown): boolean {
  return codeOf(error) === DUPLICATE_KEY;
}

/** Whether the server did nothing, since others wrote the same in the same moment. */
export function isCollision(error: unknown): boolean {
  return codeOf(error) === DUPLICATE_KEY || codeOf(error) === WRITE_CONFLICT;
}

/** The code of an error that the server answered with, also of one that was translated. */
function codeOf(error: unknown): number | undefined {
  const { code } = (SecureStoreError.is(error) ? error.cause : error) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

/** Whether the index of the listing is not there. */
export function lacksIndex(error: unknown): boolean {
  return SecureStoreError.is(error, 'INTEGRITY') && codeOf(error) === BAD_VALUE;
}

/** What an answer that says `ok` has to say of single operations. */
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
  const { code, advice, retryable, unknown } = meaningOf(error);
  const outcome = uncertain && unknown === true ? 'unknown' : undefined;
  const result = outcome === undefined ? '' : '; it may or may not have taken place, read to find out';
  return new SecureStoreError(code, `mongodb: ${site.operation} failed: ${advice}${result}.`, {
    ...site,
    retryable,
    outcome,
    cause: cleaned(error, secrets),
  });
}

function meaningOf(error: unknown): Meaning {
  const name = error instanceof Error ? error.name : '';
  const chain = causesOf(error);
  const answer = chain.find(isAnswer);
  if (answer !== undefined) return answerOf(answer);
  const codes = chain.map((cause) => String((cause as { code?: unknown }).code));
  if (codes.some((code) => UNTRUSTED.test(code))) {
    const advice = 'the certificate of the server is not trusted; give its authority as ca';
    return { code: 'UNAVAILABLE', advice, retryable: false };
  }
  switch (name) {
    case 'MongoParseError':
    case 'MongoAPIError':
    case 'MongoInvalidArgumentError':
      return { code: 'INVALID_ARGUMENT', advice: 'the driver refuses the location or the options, see the cause' };
    case 'MongoMissingCredentialsError':
    case 'MongoAWSError':
    case 'MongoAzureError':
    case 'MongoGCPError':
    case 'MongoKerberosError':
    case 'MongoOIDCError':
      return { code: 'UNAUTHENTICATED', advice: 'the driver finds no credentials that serve, see the cause' };
    case 'MongoMissingDependencyError':
      return {
        code: 'INVALID_ARGUMENT',
        advice: 'the driver lacks a package for the location or options, see the cause',
      };
    case 'MongoWaitQueueTimeoutError':
      return { code: 'TIMEOUT', advice: 'no connection was free in time' };
    case 'MongoNetworkTimeoutError':
    case 'MongoOperationTimeoutError':
      return { code: 'TIMEOUT', advice: 'the server does not answer', unknown: true };
    case 'MongoCompatibilityError':
      return LACKS;
    default:
      break;
  }
  if (codes.some((code) => code === 'ENOENT' || code === 'EACCES') && !name.startsWith('Mongo')) {
    return { code: 'INVALID_ARGUMENT', advice: 'a file that the location names can not be read' };
  }
  // Neither the driver nor the system knows of it: a listener of the caller's client, for instance.
  const inside = !chain.some((cause) => cause.name.startsWith('Mongo') || 'code' in cause);
  if (inside) return { code: 'INTERNAL', advice: 'something failed beside the driver, see the cause', unknown: true };
  return { code: 'UNAVAILABLE', advice: 'the server can not be reached', unknown: true };
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
  const known = meaning ?? { code: 'INTERNAL', advice: `the server answered with error ${code ?? 'without a code'}` };
  // The change was made, and is not confirmed by as many servers as it must be.
  return error.name === 'MongoWriteConcernError' ? { ...known, unknown: true } : known;
}

/** An error and those that it came from. */
function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let cause = error; cause instanceof Error && chain.length < 10; cause = cause.cause) chain.push(cause);
  return chain;
}

/** An error of the driver has the answer of the server and all that is known of the servers in it; only what it says is kept. */
function cleaned(error: unknown, secrets: readonly string[]): Error {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message));
  clean.name = name;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' || typeof code === 'number' ? Object.assign(clean, { code }) : clean;
}
