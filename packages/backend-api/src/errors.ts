import { SecureStoreError } from '@securestore/core-format';

/** The part of a call that an error names: which backend, which method, which key. */
export interface CallSite {
  readonly backend: string;
  readonly operation: string;
  readonly key?: string | undefined;
}

/**
 * The error of a failed condition.
 *
 * @param index - in a batch, the position of the operation whose condition failed.
 */
export function conflictError(site: CallSite, index?: number): SecureStoreError {
  const where = index === undefined ? '' : ` (operation ${index} of the batch)`;
  return new SecureStoreError(
    'CONFLICT',
    `${site.backend}: the condition on ${site.key ?? 'a key'} does not hold${where}; nothing was changed. ` +
      'Read it again and decide anew.',
    { ...site, index },
  );
}

/** The error of a call whose `signal` was aborted; its reason is the `cause`. */
export function abortedError(site: CallSite, reason: unknown, outcome?: 'unknown'): SecureStoreError {
  const result = outcome === 'unknown' ? 'it may or may not have taken place' : 'nothing was changed';
  return new SecureStoreError('ABORTED', `${site.backend}: ${site.operation} was aborted; ${result}.`, {
    ...site,
    outcome,
    cause: reason,
  });
}

/** The error of a call on a backend that is not initialised or already closed. */
export function closedError(site: CallSite): SecureStoreError {
  return new SecureStoreError(
    'UNAVAILABLE',
    `${site.backend}: ${site.operation} was called on a backend that is not open. Initialise a new one.`,
    { ...site, retryable: false },
  );
}

/** @throws `ABORTED` where `signal` is already aborted. */
export function checkSignal(signal: AbortSignal | undefined, site: CallSite): void {
  if (signal?.aborted === true) throw abortedError(site, signal.reason);
}
