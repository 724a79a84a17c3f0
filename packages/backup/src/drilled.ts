import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';

const labelOf = (destination: Uint8Array): string => `drilled ${asBuffer(destination).toString('hex')}`;

/** When a drill of a destination has succeeded last, in milliseconds since 1970; `undefined` where none ever did. */
export async function drilledAt(area: BackupArea, destination: Uint8Array): Promise<number | undefined> {
  const time = Number((await area.readState(labelOf(destination)))?.value?.toString('latin1') ?? Number.NaN);
  return Number.isSafeInteger(time) ? time : undefined;
}

/** Remembers that a drill has succeeded now. Who may not remember it has seen it all the same. */
export async function rememberDrilled(area: BackupArea, destination: Uint8Array): Promise<void> {
  try {
    const before = await area.readState(labelOf(destination));
    await area.writeState(labelOf(destination), Buffer.from(String(area.clock.now())), before?.etag);
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
  }
}
