import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { expect } from 'vitest';
import { UNLOCK } from '../../../objects/test/support/stores.ts';
import type { Backups } from '../../src/index.ts';
import { scrubBackup, verifyOpenedBackup } from '../../src/index.ts';
import type { World } from './worlds.ts';
import { backupAt, backupsOf, reached } from './worlds.ts';

/** What may be replaced and removed at a place that keeps all else. */
const isFree = (key: string): boolean => key === 'keys' || key.startsWith('e/');

export interface Lock {
  /** Whether what is there may not be replaced, nor removed. By default everything but `keys` and envelopes. */
  holds: (key: string) => boolean;
  /** Whether that is a matter of rights, and not of what is there: then removing what isn't there is refused as well. */
  byRights: boolean;
  code: ErrorCode;
  readonly wrap: (backend: StorageBackend) => StorageBackend;
}

/** A place where what was written stays: refused is what would replace or remove it, also under a condition that does not hold. */
export function newLock(byRights: boolean, code: ErrorCode = 'ACCESS_DENIED'): Lock {
  const lock: Lock = { holds: (key) => !isFree(key), byRights, code, wrap };
  const refuse = (key: string): never => {
    throw new SecureStoreError(lock.code, `the place keeps what is there: ${key}`);
  };
  function wrap(inner: StorageBackend): StorageBackend {
    const outer = forwardTo(inner, {
      async write(key, body, options) {
        if (lock.holds(key) && (await inner.read(key)) !== undefined) refuse(key);
        return inner.write(key, body, options);
      },
      async delete(key, options) {
        if (lock.holds(key) && (lock.byRights || (await inner.read(key)) !== undefined)) refuse(key);
        return inner.delete(key, options);
      },
      declare: (capabilities) => ({ ...capabilities, atomicBatch: false, maxBatch: 0, deleteMany: false }),
    });
    delete outer.batch;
    delete outer.deleteMany;
    return outer;
  }
  return lock;
}

/** The backups of a store at a place that keeps what is there. */
export const locked = ({ store, destination }: World, lock: Lock): Backups =>
  backupsOf(store, [destination], () => ({ wrap: lock.wrap }));

/** Every snapshot of a destination opens, and every file there is as it was written. */
export async function expectWhole({ destination, clock }: World, unlock = UNLOCK): Promise<void> {
  const backup = await backupAt(destination, clock, { unlock });
  for (const { number } of await Array.fromAsync(backup.list())) {
    const { findings } = await verifyOpenedBackup(backup, { depth: 'opens', snapshot: number });
    expect(findings, `snapshot ${number}`).toEqual([]);
  }
  const { findings } = await scrubBackup({ backend: await reached(destination), url: destination.url });
  expect(findings).toEqual([]);
}
