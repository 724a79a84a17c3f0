import type { CallSite } from '@securestore/backend-api';
import { SecureStoreError, type ErrorCode } from '@securestore/core-format';

type Meaning = readonly [code: ErrorCode, advice: string, retryable?: boolean];

const REFUSED: Meaning = ['UNAUTHENTICATED', 'the server refuses the user name or password'];
const DENIED: Meaning = [
  'ACCESS_DENIED',
  'the user may not run all that a store needs: EVAL, EVALSHA and the commands of its scripts',
];
const CLUSTER: Meaning = [
  'INVALID_ARGUMENT',
  'the server belongs to a cluster; pass a Cluster of ioredis as the client',
];

/** What an error reply means, by its first word. */
const REPLIES: Readonly<Record<string, Meaning>> = {
  WRONGPASS: REFUSED,
  NOAUTH: REFUSED,
  NOPERM: DENIED,
  OOM: ['NO_SPACE', 'the server has no memory left (maxmemory); give it more'],
  MISCONF: ['NO_SPACE', 'the server can not save to its disk and takes no writes; look at its log', true],
  READONLY: ['READ_ONLY', 'the server is a replica that takes no writes; connect to the primary', true],
  LOADING: ['UNAVAILABLE', 'the server is still loading its data'],
  BUSY: ['UNAVAILABLE', 'the server is busy with a long script'],
  MASTERDOWN: ['UNAVAILABLE', 'the replica has lost its primary'],
  NOREPLICAS: ['UNAVAILABLE', 'the server has fewer replicas than it demands for a write'],
  CLUSTERDOWN: ['UNAVAILABLE', 'the cluster is down'],
  TRYAGAIN: ['UNAVAILABLE', 'the cluster is moving the store to another server'],
  MOVED: CLUSTER,
  ASK: CLUSTER,
  CROSSSLOT: CLUSTER,
  WRONGTYPE: ['INTEGRITY', 'a name of the store holds something else; restore it, or choose another prefix'],
};

/** Error replies that only their text tells apart. */
const TEXTS: readonly (readonly [RegExp, Meaning])[] = [
  [/max number of clients/, ['UNAVAILABLE', 'the server has as many clients as it allows', true]],
  [/DB index is out of range/, ['INVALID_ARGUMENT', 'the server has no database of that number']],
  [/user executing the script can't/, DENIED],
  [/invalid password|Client sent AUTH/, REFUSED],
];

/** With these the server may have stopped in the middle of a script; with all others it did so before it began. */
const IN_THE_MIDDLE: ReadonlySet<ErrorCode> = new Set(['ACCESS_DENIED', 'INTEGRITY', 'INTERNAL']);

/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it may have changed something: it was sent, and is no read. */
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
    const [code, advice, retryable] = meaningOf(error.message);
    const outcome = uncertain && error.message.includes('script:') && IN_THE_MIDDLE.has(code) ? 'unknown' : undefined;
    const message = `redis: ${site.operation} failed: ${advice}.`;
    return new SecureStoreError(code, message, { ...site, retryable, outcome, cause });
  }
  if (UNTRUSTED.test(String((error as { code?: unknown }).code))) {
    const message = `redis: ${site.operation} failed: the certificate of the server is not trusted; give its authority as ca.`;
    return new SecureStoreError('UNAVAILABLE', message, { ...site, retryable: false, cause });
  }
  const result = uncertain ? '; it may or may not have taken place, read to find out' : '';
  const message = `redis: ${site.operation} failed: the server can not be reached${result}.`;
  return new SecureStoreError('UNAVAILABLE', message, { ...site, outcome: uncertain ? 'unknown' : undefined, cause });
}

/** The error for an answer that no script gives, or gives to another call; a change may have taken place. */
export function garbledError(site: CallSite, mutates: boolean): SecureStoreError {
  const result = mutates ? '; it may or may not have taken place, read to find out' : '';
  const message = `redis: ${site.operation} failed: the answer is not that of the server to this call${result}.`;
  return new SecureStoreError('UNAVAILABLE', message, { ...site, outcome: mutates ? 'unknown' : undefined });
}

function meaningOf(message: string): Meaning {
  const word = /^[A-Z]+/.exec(message)?.[0] ?? '';
  const found = REPLIES[word] ?? TEXTS.find(([pattern]) => pattern.test(message))?.[1];
  return found ?? ['INTERNAL', 'the server answered with an error'];
}

/** An error of `ioredis` has the command that failed in it, with password or body. */
function cleaned(error: unknown, secrets: readonly string[]): Error {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message));
  clean.name = name;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? Object.assign(clean, { code }) : clean;
}
