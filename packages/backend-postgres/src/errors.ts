import type { CallSite } from '@securestore/backend-api';
import { SecureStoreError, type ErrorCode } from '@securestore/core-format';

type Meaning = readonly [code: ErrorCode, advice: string, retryable?: boolean];

const REFUSED: Meaning = ['UNAUTHENTICATED', 'the server refuses the user or the password'];
const COLLISION: Meaning = ['UNAVAILABLE', 'the server gave it up in favour of another; nothing was changed'];
const DAMAGED: Meaning = ['INTEGRITY', 'the data of the server is damaged; restore it from a backup'];
const FULL: Meaning = ['UNAVAILABLE', 'the server has as many connections as it allows'];
const ENDED: Meaning = ['UNAVAILABLE', 'the server ended the connection'];
const GONE: Meaning = ['UNAVAILABLE', 'the tables of the store were removed or changed while it was open', false];

/** What an error means by its SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const STATES: Readonly<Record<string, Meaning>> = {
  '23505': COLLISION,
  '25006': ['READ_ONLY', 'the server takes no writes; connect to the primary'],
  '28000': REFUSED,
  '28P01': REFUSED,
  '3D000': ['INVALID_ARGUMENT', 'there is no such database; create it'],
  '3F000': ['INVALID_ARGUMENT', 'there is no such schema; create it'],
  '40001': COLLISION,
  '40P01': COLLISION,
  '42501': ['ACCESS_DENIED', 'the user lacks a right on the tables of the store, or to create them in the schema'],
  '42703': GONE,
  '42P01': GONE,
  '53100': ['NO_SPACE', 'the disk of the server is full'],
  '53200': ['UNAVAILABLE', 'the server is out of memory'],
  '53300': FULL,
  '55P03': ['UNAVAILABLE', 'others hold a lock for too long'],
  '57014': ['TIMEOUT', 'the server gave it up, since it took too long; nothing was changed'],
  '57P01': ENDED,
  '57P02': ENDED,
  '57P03': ['UNAVAILABLE', 'the server is starting or stopping'],
  '58030': ['UNAVAILABLE', 'the server can not read or write its disk; look at its log'],
  XX001: DAMAGED,
  XX002: DAMAGED,
};

/** After these nobody knows whether the statement was committed before the end. */
const INTERRUPTIONS: ReadonlySet<string> = new Set(['57P01', '57P02', '08000', '08003', '08006', '08P01']);
/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;
/** What `pg` says where it did not even send a statement. */
const UNSENT = /is not queryable$/;
/** What `pg` says where there is no password, or none that fits. */
const BAD_LOGIN = /\bpassword\b|^SASL: (?:Only mechanism|Mechanism|.*signature does not match)/i;
const UNANSWERED = /^Query read timeout$/;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it may have changed something: it was sent, and is no read. */
  readonly uncertain: boolean;
  /** What must never show. */
  readonly secrets: readonly string[];
}

/** The SQLSTATE of an error that the server answered with. */
export function stateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  // Errors of the system have names of letters alone, such as EPIPE.
  return 'severity' in error && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** Whether the connection can be used for the next statement. */
export function leavesConnection(error: unknown): boolean {
  const state = stateOf(error);
  return state !== undefined && !INTERRUPTIONS.has(state);
}

/** Translates an error of `pg`. */
export function toStoreError(error: unknown, { uncertain, secrets, ...site }: FailedCall): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  const state = stateOf(error);
  const unknown = uncertain && !UNSENT.test(message) && (state === undefined || INTERRUPTIONS.has(state));
  const [code, advice, retryable] = meaningOf(error, state, message);
  const result = unknown ? '; it may or may not have taken place, read to find out' : '';
  return new SecureStoreError(code, `postgres: ${site.operation} failed: ${advice}${result}.`, {
    ...site,
    retryable,
    outcome: unknown ? 'unknown' : undefined,
    cause: cleaned(error, message, secrets),
  });
}

function meaningOf(error: unknown, state: string | undefined, message: string): Meaning {
  if (state !== undefined) {
    const other: Meaning = state.startsWith('08') ? ENDED : ['INTERNAL', `the server answered with error ${state}`];
    return STATES[state] ?? other;
  }
  if (UNANSWERED.test(message)) return ['TIMEOUT', 'the server does not answer'];
  if (/does not support SSL/.test(message)) return ['INVALID_ARGUMENT', 'the server has no TLS'];
  if (UNTRUSTED.test(String((error as { code?: unknown }).code))) {
    return ['UNAVAILABLE', 'the certificate of the server is not trusted; name its authority with sslrootcert', false];
  }
  if (BAD_LOGIN.test(message)) return REFUSED;
  return ['UNAVAILABLE', 'the server can not be reached'];
}

/** An error of `pg` shows rows in its details; only what it says is kept. */
function cleaned(error: unknown, message: string, secrets: readonly string[]): Error {
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message));
  if (error instanceof Error) clean.name = error.name;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  if (typeof severity === 'string') Object.assign(clean, { severity });
  return typeof code === 'string' ? Object.assign(clean, { code }) : clean;
}
