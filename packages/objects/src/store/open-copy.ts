import type { StorageBackend } from '@securestore/backend-api';
import { fingerprintOf } from '@securestore/crypto';
import type { FoundedStore } from '../replica/copy/restore-target.ts';
import type { UnlockedCopy } from '../replica/copy/unlock-copy.ts';
import { ObjectStore } from './object-store.ts';

/**
 * The store as a backend shows it that holds what a copy holds. It can be read; what would change it fails with `READ_ONLY`.
 *
 * @param view serves the head of the copy and what it names, too; closed with the store
 */
export function openCopy(copy: UnlockedCopy, view: StorageBackend): ObjectStore {
  const { fingerprint, location } = copy;
  // The keys are the copy's, of which there may be several views.
  return new ObjectStore({ engine: copy.engineOver(view), fingerprint, location, onClose: () => view.close() });
}

/**
 * A store that was made of a copy, once it is finished: for whoever has made it, also if it is a scratch store that nobody else opens.
 *
 * @throws SecureStoreError `INTEGRITY` if its head is missing; what the backend throws
 */
export async function openFounded(founded: FoundedStore, location: string, signal?: AbortSignal): Promise<ObjectStore> {
  const engine = await founded.engineAt(location, signal);
  const fingerprint = fingerprintOf(engine.watcher.state.head.identity);
  return new ObjectStore({ engine, fingerprint, location, onClose: async () => undefined });
}
