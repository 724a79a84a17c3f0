import { asBuffer, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { parseHead, readPinned } from '../../head/store-state.ts';
import { COPIED } from './read-only-backend.ts';
import { isInstance } from '../../head/ancestry.ts';

const MAX_TRIES = 5;

/** What a copy of the store takes of its head: see `BackupKeys` of `@securestore/core-format`. */
export interface CopiedHead {
  readonly generation: number;
  readonly instance: Uint8Array;
  readonly head: Buffer;
  readonly objects: readonly { readonly name: string; readonly body: Uint8Array }[];
}

/**
 * The head as it is stored at the backend, and what it names: all that opening a copy of the store takes, sealed as it is.
 *
 * @throws SecureStoreError `INTEGRITY`, `ROLLBACK`, and what the backend throws
 */
export async function copyHead(engine: Engine, signal?: AbortSignal): Promise<CopiedHead> {
  const { backend, monitor } = engine;
  for (let tries = 1; ; tries++) {
    await monitor.refresh(signal);
    monitor.checkFollowing();
    const found = await backend.read(HEAD_NAME, { signal });
    if (found === undefined) throw new SecureStoreError('INTEGRITY', 'the head of the store is missing');
    const { head } = parseHead(found);
    const known = monitor.state.head;
    if (head.generation < known.generation || !isInstance(head, known)) {
      throw new SecureStoreError('ROLLBACK', 'the head of the store is older than one seen before');
    }
    try {
      const objects: { name: string; body: Uint8Array }[] = [];
      for (const kind of COPIED) {
        const reference = head.references[kind];
        if (reference === undefined) continue;
        const { body } = await readPinned(backend, head, kind, signal);
        objects.push({ name: reference.name, body });
      }
      const ordered = objects.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return { generation: head.generation, instance: head.instance, head: asBuffer(found.body), objects: ordered };
    } catch (error) {
      // What a head names is removed when the next one has taken its place.
      if (!SecureStoreError.is(error, 'INTEGRITY') || tries === MAX_TRIES) throw error;
    }
  }
}
