import type { BackendCapabilities, StorageBackend } from '@securestore/backend-api';
import type { BackupKeys, Head, Reference } from '@securestore/core-format';
import { asBuffer, HEAD_NAME, isDamage, SecureStoreError, sha256 } from '@securestore/core-format';
import { parseHead } from '../../head/store-state.ts';

/** What a copy of a store has of what its head names. */
export const COPIED = ['keyring', 'categoryMap', 'policy', 'grants', 'destinations'] as const;

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

/** What a copy answers to what would change it. */
export async function readOnly(): Promise<never> {
  throw new SecureStoreError('READ_ONLY', 'a copy of a store is read-only');
}

/** The body of the head that a copy has, or of an object that it names; `undefined` for another name. */
export function keysObject({ head, objects }: BackupKeys, name: string): Buffer | undefined {
  const found = name === HEAD_NAME ? head : objects.find((object) => object.name === name)?.body;
  return found && asBuffer(found);
}

/**
 * Whether a copy has exactly what its head names.
 *
 * @param head of the copy, its signature verified
 * @throws SecureStoreError `INTEGRITY`
 */
export function checkCopied({ objects }: BackupKeys, head: Head): void {
  const named: Reference[] = COPIED.flatMap((kind) => head.references[kind] ?? []);
  const isWhole = ({ name, digest }: Reference): boolean => {
    const found = objects.find((object) => object.name === name);
    return found !== undefined && sha256(found.body).equals(asBuffer(digest));
  };
  if (objects.length === named.length && named.every(isWhole)) return;
  throw new SecureStoreError(
    'INTEGRITY',
    'the object "keys" of the backup is damaged: it does not hold what its head names. Another destination of the same store may ' +
      'have it.',
  );
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
    write: readOnly,
    delete: readOnly,
    list: async () => ({ entries: [], more: false }),
    close: async () => undefined,
  };
}

/** Whether a copy has a head that its identity has signed, and exactly what that names: so that whoever trusts the identity can open it. */
export function isGenuineCopy(keys: BackupKeys): boolean {
  try {
    checkCopied(keys, parseHead({ body: keys.head }).head);
    return true;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}
