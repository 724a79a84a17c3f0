import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode, LockReason } from '@securestore/core-format';
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

/** What each code says of a backend, and what to do about it. */
const OF_BACKEND: Partial<Readonly<Record<ErrorCode, readonly [reason: string, advice: string]>>> = {
  UNAVAILABLE: [
    'it cannot be reached',
    'see that the server, or the disk, is there, and that this machine gets through to it',
  ],
  TIMEOUT: ['it does not answer in time', 'see whether the server is overloaded, and the network on the way to it'],
  THROTTLED: ['it takes no more requests for now', 'raise the limits of the account, or send it less'],
  NO_SPACE: ['there is no room left', 'make room, or get more; "securestore gc" removes what is no longer needed'],
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
    'find out who put it back; restore the newest state, or accept this one with --accept-rollback',
  ],
  LOCKED: [
    'another program holds it',
    'wait a moment; if that does not help, see which other program holds it, and end that program',
  ],
  UNSUPPORTED: ['it cannot do what a store needs', 'use another backend, or another version of this one'],
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

/** What to do if no store is at a store URL. */
export const NOTHING_THERE: string =
  'see that the store URL is the right one, and that its disk is mounted; what is lost comes back from a backup, by "securestore restore <backup> --to <new url>"';

/** What to do about each reason why a store is not open at its URL. */
const OF_REASON: Readonly<Record<LockReason, string>> = {
  missing: NOTHING_THERE,
  migrating: 'wait until the migration has ended; if it was interrupted, the same "securestore migrate" resumes it',
  migrated: 'open the store at the URL that it has moved to',
  incomplete: 'nothing is damaged: finish what was begun, or open the store where it is',
  restoring: 'wait until the restore has ended; if it was interrupted, the same "securestore restore" resumes it',
  'changing-categories': 'wait until the categories of the store are changed',
  rotating: 'wait until the rotation has ended; if it was interrupted, "securestore rotate --resume" resumes it',
  'job-running': 'wait until the job has ended; "securestore job" shows how far it is',
  'job-lost': 'wait until the other process has ended the job; "securestore job" shows how far it is',
  'slot-removed': 'open the store with a secret of a slot that it has',
  replaced: 'open the store again: it was restored or moved since it was opened',
  scratch: 'open another store: this one was made for a drill',
  backend: verdictOf('LOCKED')[1],
};

/** What to do about a store that is not open at its URL, by the reason of the error. */
export function adviceOfReason({ reason, advice = [] }: SecureStoreError): string {
  const elsewhere = advice.find(({ id }) => id === 'open-at');
  if (elsewhere?.id === 'open-at') return `open the store at ${elsewhere.url}`;
  // A server of a newer release may send a reason that is not known here.
  return (reason === undefined ? undefined : OF_REASON[reason]) ?? OF_REASON.backend;
}

/** As {@link verdictOf}; what locks a store is in the message of its own error, and its reason says what to do. */
export function verdictOfError(error: unknown): readonly [reason: string, advice: string] {
  if (!SecureStoreError.is(error, 'LOCKED')) return verdictOf(rootCodeOf(error));
  return [`${clauseOf(error)} (LOCKED)`, adviceOfReason(error)];
}
