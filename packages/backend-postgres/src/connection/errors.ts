import { type CallSite, type Failure, failedError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

const CHECK_ACCESS = [{ id: 'check-backend-access' }] as const;
const CHECK_STORE_URL = [{ id: 'check-store-url' }] as const;
const REFUSED: Failure = {
  code: 'UNAUTHENTICATED',
  reason: 'the server refuses the user or the password',
  advice: CHECK_ACCESS,
};
const COLLISION: Failure = {
  code: 'UNAVAILABLE',
  reason: 'the server preferred another transaction',
};
const DAMAGED: Failure = {
  code: 'INTEGRITY',
  reason: 'the data of the server is damaged',
  advice: [{ id: 'restore-store' }],
};
const FULL: Failure = { code: 'UNAVAILABLE', reason: 'the server has as many connections as it allows' };
const ENDED: Failure = { code: 'UNAVAILABLE', reason: 'the server ended the connection' };
const GONE: Failure = {
  code: 'UNAVAILABLE',
  reason: 'the tables of the store were removed or changed while it was open',
  retryable: false,
};

/** What an error means by its SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const STATES: Readonly<Record<string, Failure>> = {
  '23505': COLLISION,
  '25006': { code: 'READ_ONLY', reason: 'the server is not the primary, and allows no writes' },
  '28000': REFUSED,
  '28P01': REFUSED,
  '3D000': { code: 'INVALID_ARGUMENT', reason: 'the database does not exist', advice: CHECK_STORE_URL },
  '3F000': { code: 'INVALID_ARGUMENT', reason: 'the schema does not exist', advice: CHECK_STORE_URL },
  '40001': COLLISION,
  '40P01': COLLISION,
  '42501': {
    code: 'ACCESS_DENIED',
    reason: 'the user lacks a privilege on the tables or the schema',
    advice: CHECK_ACCESS,
  },
  '42703': GONE,
  '42P01': GONE,
  '53100': { code: 'NO_SPACE', reason: 'the disk of the server is full' },
  '53200': { code: 'UNAVAILABLE', reason: 'the server is out of memory' },
  '53300': FULL,
  '55P03': { code: 'UNAVAILABLE', reason: 'another transaction holds a lock for too long' },
  '57014': { code: 'TIMEOUT', reason: 'the server gave up after the timeout' },
  '57P01': ENDED,
  '57P02': ENDED,
  '57P03': { code: 'UNAVAILABLE', reason: 'the server is starting or stopping' },
  '58030': { code: 'UNAVAILABLE', reason: 'the server cannot read or write its disk' },
  XX001: DAMAGED,
  XX002: DAMAGED,
};

/** After these it is unknown whether the statement was committed before the end. */
const INTERRUPTIONS: ReadonlySet<string> = new Set(['57P01', '57P02', '08000', '08003', '08006', '08P01']);
/** Codes of Node for a certificate that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;
/** What `pg` says if it did not even send a statement. */
const UNSENT = /is not queryable$/;
/** What `pg` says if there is no password, or a wrong one. */
const BAD_LOGIN = /\bpassword\b|^SASL: (?:Only mechanism|Mechanism|.*signature does not match)/i;
const UNANSWERED = /^Query read timeout$/;

/** What a call was when it failed. */
export interface FailedCall extends CallSite {
  /** Whether it may have changed something: it was sent, and is not a read. */
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
  const outcome = unknown ? 'unknown' : undefined;
  return failedError(site, meaningOf(error, state, message), { outcome, cause: cleaned(error, message, secrets) });
}

function meaningOf(error: unknown, state: string | undefined, message: string): Failure {
  if (state !== undefined) {
    const other: Failure = state.startsWith('08')
      ? ENDED
      : { code: 'INTERNAL', reason: `the server answered with error ${state}` };
    return STATES[state] ?? other;
  }
  if (UNANSWERED.test(message)) return { code: 'TIMEOUT', reason: 'the server does not answer' };
  if (/does not support SSL/.test(message)) return { code: 'INVALID_ARGUMENT', reason: 'the server has no TLS' };
  if (UNTRUSTED.test(String((error as { code?: unknown }).code))) {
    const reason = 'the certificate of the server is not trusted';
    const advice = [{ id: 'give-tls-ca', setting: 'sslrootcert' }] as const;
    return { code: 'UNAVAILABLE', reason, retryable: false, advice };
  }
  if (BAD_LOGIN.test(message)) return REFUSED;
  return { code: 'UNAVAILABLE', reason: 'the server cannot be reached', advice: CHECK_STORE_URL };
}

/** An error of `pg` shows rows in its details; only its message is kept. */
function cleaned(error: unknown, message: string, secrets: readonly string[]): Error {
  const clean = new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message));
  if (error instanceof Error) clean.name = error.name;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  if (typeof severity === 'string') Object.assign(clean, { severity });
  return typeof code === 'string' ? Object.assign(clean, { code }) : clean;
}
