import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import type { CheckStatus, HealthCheck, HealthStatus } from './types.ts';

const RANKS: Readonly<Record<HealthStatus, number>> = { ok: 0, degraded: 1, failing: 2 };

/** The worst of some states; what is not set up is no worse than ok. */
export function worst(statuses: readonly CheckStatus[]): HealthStatus {
  return statuses.reduce<HealthStatus>((a, b) => (b !== 'not-set-up' && RANKS[b] > RANKS[a] ? b : a), 'ok');
}

type Details = Pick<HealthCheck, 'subject' | 'figures'>;

/** That something is as it should be. */
export function fine(name: string, reason: string, details: Details = {}): HealthCheck {
  return { name, ...details, status: 'ok', reason, advice: '' };
}

/** That something was never configured or run. */
export function notSetUp(name: string, reason: string, details: Details = {}): HealthCheck {
  return { ...fine(name, reason, details), status: 'not-set-up' };
}

/** That something is not as it should be. */
export function finding(
  name: string,
  status: Exclude<HealthStatus, 'ok'>,
  [reason, advice]: readonly [reason: string, advice: string],
  details: Details = {},
): HealthCheck {
  return { name, ...details, status, reason, advice };
}

/** What each error says of a backend, and what to do about it. */
const OF_BACKEND: Partial<Readonly<Record<ErrorCode, readonly [reason: string, advice: string]>>> = {
  UNAVAILABLE: [
    'it can not be reached',
    'see that the server, or the disk, is there, and that this machine gets through to it',
  ],
  TIMEOUT: ['it does not answer in time', 'see whether the server is overloaded, and the network on the way to it'],
  THROTTLED: ['it takes no more requests for now', 'raise the limits of the account, or send it less'],
  NO_SPACE: ['there is no room left', 'make room, or get more; "securestore collect" removes what nobody needs'],
  READ_ONLY: ['it takes no writes', 'mount or configure it so that it can be written to, where it should be'],
  ACCESS_DENIED: [
    'it refuses the credentials, or they lack a right',
    'renew the credentials of the backend, and see that they may read, write, delete and list',
  ],
  UNAUTHENTICATED: [
    'it does not accept the credentials',
    'renew the credentials of the backend: they may have expired',
  ],
  INTEGRITY: [
    'what it holds is not what was written',
    'keep others from writing there, run "securestore scrub --repair <backup>"',
  ],
  ROLLBACK: [
    'it holds an older state of the store than was seen before',
    'find out who put it back; bring the newest state back, or accept this one with --accept-head',
  ],
  LOCKED: [
    'it is held by somebody else',
    'wait a moment; where it stays so, see which other program holds it for itself, and end that',
  ],
  UNSUPPORTED: ['it can not do what a store needs', 'use another backend, or another version of this one'],
};

const OTHERWISE: readonly [string, string] = ['it fails', 'look into the log of the backend'];

/** What an error says of a backend: in words with its code, and what to do. */
export function verdictOf(code: ErrorCode): readonly [reason: string, advice: string] {
  const [reason, advice] = OF_BACKEND[code] ?? OTHERWISE;
  return [`${reason} (${code})`, advice];
}

/** The code of an error; `INTERNAL` for one that has none. */
export function codeOf(error: unknown): ErrorCode {
  return SecureStoreError.is(error) ? error.code : 'INTERNAL';
}

/** The code that says most of why something failed: what confirming the head meets is told by its cause. */
export function rootCodeOf(error: unknown): ErrorCode {
  const code = codeOf(error);
  const cause = SecureStoreError.is(error) ? error.cause : undefined;
  return code === 'UNAVAILABLE' && SecureStoreError.is(cause) && cause.code !== 'ABORTED' ? rootCodeOf(cause) : code;
}

/** What an error says, as the end of a reason. */
export function clauseOf({ message }: Error): string {
  return message.replace(/\.$/, '');
}

/** As {@link verdictOf}; what locks a store, and what to do about it, its own error says. */
export function verdictOfError(error: unknown): readonly [reason: string, advice: string] {
  if (!SecureStoreError.is(error, 'LOCKED')) return verdictOf(rootCodeOf(error));
  const [what = '', todo] = clauseOf(error).split('; ', 2);
  return [`${what} (LOCKED)`, todo ?? verdictOf('LOCKED')[1]];
}
