import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';

const labelOf = (destination: Uint8Array): string => `verified ${asBuffer(destination).toString('hex')}`;

/** When every byte of a destination was found to be right last, in milliseconds since 1970; `undefined` where it never was. */
export async function verifiedAt(area: BackupArea, destination: Uint8Array): Promise<number | undefined> {
  const time = Number((await area.readState(labelOf(destination)))?.value?.toString('latin1') ?? Number.NaN);
  return Number.isSafeInteger(time) ? time : undefined;
}

/** Remembers that every byte was found to be right now. Who may not remember it has found it all the same. */
export async function rememberVerified(area: BackupArea, destination: Uint8Array): Promise<void> {
  try {
    const before = await area.readState(labelOf(destination));
    await area.writeState(labelOf(destination), Buffer.from(String(area.clock.now())), before?.etag);
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
  }
}
