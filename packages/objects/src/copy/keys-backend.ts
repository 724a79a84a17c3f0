import type { BackendCapabilities, StorageBackend } from '@securestore/backend-api';
import type { BackupKeys } from '@securestore/core-format';
import { asBuffer, HEAD_NAME, SecureStoreError } from '@securestore/core-format';

/** What a backend that only reads declares, as far as nothing else is known of it. */
export const READ_ONLY_CAPABILITIES: BackendCapabilities = {
  ifAbsent: false,
  ifMatch: false,
  orderedList: true,
  listAfterWrite: true,
  rangeRead: true,
  modified: true,
  atomicBatch: false,
  conditionalDelete: false,
  objectLock: false,
  deleteMany: false,
  changeNotifications: false,
  now: false,
  maxBodyBytes: 8 * 1024 * 1024,
  maxBatch: 0,
  maxDeleteMany: 0,
  modifiedResolution: 1,
  clockSkew: 0,
};

function readOnly(): never {
  throw new SecureStoreError('READ_ONLY', 'this is a copy of a store as it was: nothing can be written to it');
}

/** The body of the head that a copy has, or of an object that it names; `undefined` for another name. */
export function keysObject({ head, objects }: BackupKeys, name: string): Buffer | undefined {
  const found = name === HEAD_NAME ? head : objects.find((object) => object.name === name)?.body;
  return found && asBuffer(found);
}

/** The head of a copy and what it names, as a backend: all that unlocking it takes. */
export function keysBackend(keys: BackupKeys): StorageBackend {
  return {
    name: 'backup',
    capabilities: READ_ONLY_CAPABILITIES,
    init: async () => undefined,
    async read(name) {
      const body = keysObject(keys, name);
      return body && { body: Buffer.from(body), etag: '1', size: body.length, modified: 0 };
    },
    write: async () => readOnly(),
    delete: async () => readOnly(),
    list: async () => ({ entries: [], more: false }),
    close: async () => undefined,
  };
}
