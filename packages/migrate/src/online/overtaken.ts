import { asBuffer, objectName, SecureStoreError } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects/internal';

/** A process that migrates a store may be suspended until another one has resumed the migration. */
export function overtaken(): SecureStoreError {
  const message = 'other processes have resumed the migration meanwhile, or write at the target';
  return new SecureStoreError('CONFLICT', message, { retryable: true, advice: [{ id: 'resume-migration' }] });
}

/**
 * To be called after an object of the target was read, and before it is removed or replaced: it is no object of the store as long as that
 * has not moved.
 *
 * @throws SecureStoreError `CONFLICT` if it has
 */
export async function checkStays(area: MigrationArea, signal: AbortSignal | undefined): Promise<void> {
  const { state } = await area.refresh(signal);
  if (state === 'moved') throw overtaken();
}

/** Thrown inside: the store has changed since an object was looked at. */
export class Outdated extends Error {}

/**
 * The same before an object of the target is changed that was read there: a run may have been suspended until other processes had copied it,
 * or had written it where the store is by then.
 *
 * @param body the current record of the store as it was read before; `undefined` if there was none
 * @throws Outdated if the store has another one now
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
