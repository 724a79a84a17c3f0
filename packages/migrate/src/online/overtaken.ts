import { SecureStoreError } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects';

/** Whoever moves a store may sleep until others have gone on with it. */
export function overtaken(): SecureStoreError {
  const message = 'others have gone on with the move while this run of it slept, or write there; try again';
  return new SecureStoreError('CONFLICT', message, { retryable: true });
}

/**
 * To be called after something was read where a store moves to, and before it is removed or replaced: what was read is none of the store's
 * as long as that has not moved.
 *
 * @throws SecureStoreError `CONFLICT` where it has
 */
export async function checkStays(area: MigrationArea, signal: AbortSignal | undefined): Promise<void> {
  const { state } = await area.refresh(signal);
  if (state === 'moved') throw overtaken();
}
