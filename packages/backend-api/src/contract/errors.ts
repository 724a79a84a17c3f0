import type { Advice, ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';

/** The part of a call that an error names: which backend, which method, which key. */
export interface CallSite {
  readonly backend: string;
  readonly operation: string;
  readonly key?: string | undefined;
}

/** An error of a driver or a service, in the terms of a backend. */
export interface Failure {
  readonly code: ErrorCode;
  /** What is wrong, without a full stop: it follows a colon. Never with a credential. */
  readonly reason: string;
  /** By default what the code says. */
  readonly retryable?: boolean | undefined;
  readonly advice?: readonly Advice[] | undefined;
}

/** How the operations of a backend are called in messages, if not by their own name. */
const ACTIONS: Readonly<Record<string, string>> = {
  init: 'open the store',
  batch: 'write',
  deleteMany: 'delete',
  resetClock: 'reset the clock',
};
/** A longer list of valid values does not help in a message. */
const MOST_LISTED = 8;
const NOTHING_CHANGED = ' Nothing was changed.';
/** The sentence of an error whose `outcome` is `unknown`. */
const MAY_BE_MADE = ' The change may have been made.';

/** What the caller of `operation` wants to be done, as it follows "cannot". */
export function actionOf(operation: string): string {
  return ACTIONS[operation] ?? operation;
}

/** `headline` with a sentence after it if the change may have been made. */
function withEffect(headline: string, isUnknown: boolean): string {
  return isUnknown ? `${headline}.${MAY_BE_MADE}` : headline;
}

/**
 * The error of a failed condition.
 *
 * @param index - in a batch, the position of the operation whose condition failed.
 */
export function conflictError(site: CallSite, index?: number): SecureStoreError {
  const position = index === undefined ? '' : ` (operation ${index} of the batch)`;
  return new SecureStoreError(
    'CONFLICT',
    `${site.backend}: the condition on ${site.key ?? 'a key'} does not hold${position}.${NOTHING_CHANGED}`,
    { ...site, index, advice: [{ id: 'read-again' }] },
  );
}

/** The error of a call whose `signal` was aborted; its reason is the `cause`. */
export function abortedError(site: CallSite, reason: unknown, outcome?: 'unknown'): SecureStoreError {
  const effect = outcome === 'unknown' ? MAY_BE_MADE : NOTHING_CHANGED;
  return new SecureStoreError('ABORTED', `${site.backend}: ${site.operation} was aborted.${effect}`, {
    ...site,
    outcome,
    cause: reason,
  });
}

/** The error of a call on a backend that is not initialised or already closed. */
export function closedError(site: CallSite): SecureStoreError {
  return new SecureStoreError(
    'UNAVAILABLE',
    `${site.backend}: cannot ${actionOf(site.operation)}: the backend is not open`,
    { ...site, retryable: false, advice: [{ id: 'reopen-store' }] },
  );
}

/**
 * The error of a call that took too long.
 *
 * @param milliseconds - how long it was allowed to take
 * @param outcome - `unknown` if it may have changed something
 */
export function timeoutError(site: CallSite, milliseconds: number, outcome?: 'unknown'): SecureStoreError {
  const { backend, operation, key } = site;
  const call = key === undefined ? operation : `${operation} of ${key}`;
  const message = withEffect(`${backend}: ${call} took over ${milliseconds} ms`, outcome === 'unknown');
  return new SecureStoreError('TIMEOUT', message, { backend, operation, key, outcome });
}

/** The error of a call that the driver or the service of a backend failed. */
export function failedError(
  site: CallSite,
  { code, reason, retryable, advice }: Failure,
  { outcome, cause }: { readonly outcome?: 'unknown' | undefined; readonly cause?: unknown } = {},
): SecureStoreError {
  const headline = `${site.backend}: cannot ${actionOf(site.operation)}: ${reason}`;
  const { backend, operation, key } = site;
  const details = { backend, operation, key, retryable, advice, outcome, cause };
  return new SecureStoreError(code, withEffect(headline, outcome === 'unknown'), details);
}

/**
 * The error of a body that is not as it was written.
 *
 * @param problem - what is wrong with it, as it follows its key
 */
export function damagedError(site: CallSite & { readonly key: string }, problem = 'is incomplete'): SecureStoreError {
  const { backend, operation, key } = site;
  const advice = [{ id: 'repair-object' }, { id: 'restore-store' }] as const;
  const message = `${backend}: the body of ${key} ${problem}`;
  return new SecureStoreError('INTEGRITY', message, { backend, operation, key, advice });
}

/**
 * The error of a store whose tables, or the like, have a layout that this release does not know.
 *
 * @param found - the number of the layout
 * @param known - the number of the layout that this release reads
 * @param packageName - that of the backend
 */
export function layoutError(
  site: CallSite,
  found: number | string,
  known: number | string,
  packageName: string,
): SecureStoreError {
  const message = `${site.backend}: the store has layout ${found}, but this release of ${packageName} reads layout ${known}`;
  return new SecureStoreError('FORMAT_VERSION', message, {
    ...site,
    advice: [{ id: 'use-newer-release', package: packageName }],
  });
}

/**
 * The error of a store URL, also that of a destination of backups, that a backend does not take.
 *
 * @param problem - what is wrong with it, never with a part of it that may be a credential
 * @param form - how store URLs of the backend look, such as `s3://bucket/prefix?region=name`
 * @param parameter - the query parameter that is wrong
 */
export function storeUrlError(backend: string, problem: string, form: string, parameter?: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `${backend}: ${problem}`, {
    backend,
    operation: 'init',
    option: parameter,
    advice: [{ id: 'give-store-url', form }],
  });
}

function allowedOf(known: readonly string[]): string {
  if (known.length > MOST_LISTED) return '';
  // Made only for a message: it loads data of languages, which takes longer than opening a store.
  return `, which may have ${new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(known)}`;
}

/**
 * Refuses query parameters of a store URL that are unknown or given twice.
 *
 * @param refuse - is called with what is wrong, and the name of a known parameter that is given twice
 */
export function checkParameters(
  given: Iterable<readonly [name: string, value: string]>,
  known: readonly string[],
  refuse: (problem: string, parameter?: string) => never,
): void {
  const seen = new Set<string>();
  for (const [name] of given) {
    // The name of an unknown one may be a credential that was put in the wrong place.
    if (!known.includes(name)) refuse(`unknown parameter in the store URL${allowedOf(known)}`);
    if (seen.has(name)) refuse(`the parameter "${name}" of the store URL must be given once`, name);
    seen.add(name);
  }
}

/**
 * The error of an option of a backend.
 *
 * @param rule - what it must be, as it follows "must". Never with its value, which may be a credential
 */
export function optionError(backend: string, option: string, rule: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `the option "${option}" of ${backend} must ${rule}`, {
    backend,
    operation: 'init',
    option,
  });
}

/** @throws `ABORTED` if `signal` is already aborted. */
export function checkSignal(signal: AbortSignal | undefined, site: CallSite): void {
  if (signal?.aborted === true) throw abortedError(site, signal.reason);
}
