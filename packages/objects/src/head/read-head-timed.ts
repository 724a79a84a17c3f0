import type { StorageBackend } from '@securestore/backend-api';
import type { Clock } from '@securestore/jobs';
import { settledSoon } from '../util/abort.ts';
import type { ReadHead } from './store-state.ts';
import { readHead } from './store-state.ts';

/** Reads the head; one that takes longer than `most` milliseconds could confirm nothing, and is given up. */
export async function readInTime(backend: StorageBackend, clock: Clock, most: number): Promise<ReadHead | undefined> {
  const tooLate = new AbortController();
  const done = new AbortController();
  clock.sleep(most, done.signal).then(
    () => tooLate.abort(),
    () => undefined,
  );
  try {
    return await settledSoon(readHead(backend, tooLate.signal), tooLate.signal, clock);
  } finally {
    done.abort();
  }
}
