import { type CallSite, type Failure, failedError } from '@securestore/backend-api';
import { SecureStoreError, type ErrorCode } from '@securestore/core-format';
import { FORM } from './location.ts';

const CHECK_ACCESS = [{ id: 'check-backend-access' }] as const;
const CHECK_STORE_URL = [{ id: 'check-store-url' }] as const;
const REFUSED: Failure = {
  code: 'UNAUTHENTICATED',
  reason: 'the server refuses the user name or password',
  advice: CHECK_ACCESS,
};
const DENIED: Failure = {
  code: 'ACCESS_DENIED',
  reason: 'the user must be allowed EVAL, EVALSHA and the commands of the scripts',
  advice: CHECK_ACCESS,
};
const CLUSTER: Failure = {
  code: 'INVALID_ARGUMENT',
  reason: 'the server belongs to a cluster, and needs a Cluster of ioredis',
};
const UNREACHABLE: Failure = {
  code: 'UNAVAILABLE',
  reason: 'the server cannot be reached',
  advice: CHECK_STORE_URL,
};
const NOT_TRUSTED: Failure = {
  code: 'UNAVAILABLE',
  reason: 'the certificate of the server is not trusted',
  retryable: false,
  advice: [{ id: 'give-tls-ca', setting: 'ca' }],
};

/** What an error reply means, by its first word. */
const REPLIES: Readonly<Record<string, Failure>> = {
  WRONGPASS: REFUSED,
  NOAUTH: REFUSED,
  NOPERM: DENIED,
  OOM: { code: 'NO_SPACE', reason: 'the server has no memory left (maxmemory)' },
  MISCONF: { code: 'NO_SPACE', reason: 'the server cannot save to its disk, and allows no writes', retryable: true },
  READONLY: { code: 'READ_ONLY', reason: 'the server is a replica, and allows no writes', retryable: true },
  LOADING: { code: 'UNAVAILABLE', reason: 'the server is still loading its data' },
  BUSY: { code: 'UNAVAILABLE', reason: 'the server is busy with a long script' },
  MASTERDOWN: { code: 'UNAVAILABLE', reason: 'the replica has lost its primary' },
  NOREPLICAS: { code: 'UNAVAILABLE', reason: 'the server has fewer replicas than it needs for a write' },
  CLUSTERDOWN: { code: 'UNAVAILABLE', reason: 'the cluster is down' },
  TRYAGAIN: { code: 'UNAVAILABLE', reason: 'the cluster is moving the store to another server' },
  MOVED: CLUSTER,
  ASK: CLUSTER,
  CROSSSLOT: CLUSTER,
  WRONGTYPE: {
    code: 'INTEGRITY',
    reason: 'a name of the store holds data of another program',
    advice: [{ id: 'restore-store' }, { id: 'give-store-url', form: FORM }],
  },
};

/** Error replies that only their text distinguishes. */
const TEXTS: readonly (readonly [RegExp, Failure])[] = [
  [
    /max number of clients/,
    { code: 'UNAVAILABLE', reason: 'the server has as many clients as it allows', retryable: true },
  ],
  [/DB index is out of range/, { code: 'INVALID_ARGUMENT', reason: 'the server has no database of that number' }],
  [/user executing the script can't/, DENIED],
  [/invalid password|Client sent AUTH/, REFUSED],
];

/** With these the server may have stopped in the middle of a script; with all others it did so before it began. */
const IN_THE_MIDDLE: ReadonlySet<ErrorCode> = new Set(['ACCESS_DENIED', 'INTEGRITY', 'INTERNAL']);

/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it may have changed something: it was sent, and is not a read. */
  readonly uncertain: boolean;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** Whether the server answered with this error, rather than not at all. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Whether the server doesn't know the script yet, and so did nothing. */
export function isUnknownScript(error: unknown): boolean {
  return isReply(error) && error.message.startsWith('NOSCRIPT');
}

/** Translates an error of `ioredis`. */
export function toStoreError(error: unknown, { uncertain, secrets, ...site }: FailedCall): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const cause = cleaned(error, secrets);
  if (isReply(error)) {
    const failure = meaningOf(error.message);
    const isInTheMiddle = error.message.includes('script:') && IN_THE_MIDDLE.has(failure.code);
    return failedError(site, failure, { outcome: uncertain && isInTheMiddle ? 'unknown' : undefined, cause });
  }
  if (UNTRUSTED.test(String((error as { code?: unknown }).code))) {
    return failedError(site, NOT_TRUSTED, { cause });
  }
  return failedError(site, UNREACHABLE, { outcome: uncertain ? 'unknown' : undefined, cause });
}

/** The error for an answer that no script gives, or gives to another call; a change may have taken place. */
export function garbledError(site: CallSite, mutates: boolean): SecureStoreError {
  const reason = 'the answer does not belong to this call';
  return failedError(site, { code: 'UNAVAILABLE', reason }, { outcome: mutates ? 'unknown' : undefined });
}

function meaningOf(message: string): Failure {
  const word = /^[A-Z]+/.exec(message)?.[0] ?? '';
  const found = REPLIES[word] ?? TEXTS.find(([pattern]) => pattern.test(message))?.[1];
  return found ?? { code: 'INTERNAL', reason: 'the server answered with an error' };
}

/** An error of `ioredis` holds the command that failed, with password or body. */
function cleaned(error: unknown, secrets: readonly string[]): Error {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message));
  clean.name = name;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? Object.assign(clean, { code }) : clean;
}
