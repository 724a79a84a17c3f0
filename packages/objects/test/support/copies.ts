import type { BackupKeys } from '@securestore/core-format';
import { decodeBackupKeys, encodeBackupKeys } from '@securestore/core-format';
import type { ObjectStore } from '../../src/index.ts';
import { extensionsOf } from '../../src/internal.ts';

export const DESTINATION: Buffer = Buffer.alloc(16, 0xd);

/** The object `keys` as a destination has it of a store. */
export async function keysOf(store: ObjectStore): Promise<Buffer> {
  const { head, objects } = await extensionsOf(store).backup.copyHead();
  return encodeBackupKeys({ destination: DESTINATION, head, objects });
}

/** What was read of an object `keys`. */
export const copiedFrom = async (store: ObjectStore): Promise<BackupKeys> => decodeBackupKeys(await keysOf(store));
