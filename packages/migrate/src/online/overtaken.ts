import { asBuffer, objectName, SecureStoreError } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects/internal';

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

/** Thrown inside: the store has changed since an object was looked at. */
export class Outdated extends Error {}

/**
 * The same before anything is done to what was read there of one object: a run may have slept until others had brought that, or had written
 * it where the store is by then.
 *
 * @param body what the store had of its current record, as it was read before; `undefined` where that was nothing
 * @throws Outdated where the store has something else now
 * @throws SecureStoreError as {@link checkStays}
 */
export async function checkStill(
  area: MigrationArea,
  token: string,
  body: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const now = (await area.read(objectName(token), { signal }))?.body;
  const isStill = body === undefined || now === undefined ? body === now : asBuffer(body).equals(now);
  if (!isStill) throw new Outdated();
  await checkStays(area, signal);
}
