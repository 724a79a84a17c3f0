import { randomBytes } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from './state/clock.ts';
import { systemClock } from './state/clock.ts';
import { Jobs } from './jobs.ts';
import type { Job, JobKind, JobStorage, StoredState } from './state/types.ts';

function memoryStorage(clock: Clock): JobStorage {
  const states = new Map<string, StoredState>();
  return {
    read: async (id) => states.get(id),
    async write(id, state, condition) {
      const found = states.get(id);
      const holds = 'ifAbsent' in condition ? found === undefined : found?.etag === condition.ifMatch;
      if (!holds) throw new SecureStoreError('CONFLICT', 'the state of the job has changed');
      const etag = randomBytes(16).toString('hex');
      states.set(id, { state, etag, modified: clock.now(), now: clock.now() });
      return { etag };
    },
    async remove(id, etag) {
      if (states.get(id)?.etag !== etag) throw new SecureStoreError('CONFLICT', 'the state of the job has changed');
      states.delete(id);
    },
    async *list() {
      yield* states.keys();
    },
  };
}

/**
 * Starts a job whose state is kept in memory only, for work that is resumed by starting it again.
 *
 * @param signal cancels the job
 */
export function startVolatile<P, R>(
  kind: JobKind<P, R>,
  parameters: P,
  {
    signal,
    clock = systemClock(),
  }: { readonly signal?: AbortSignal | undefined; readonly clock?: Clock | undefined } = {},
): Job<R> {
  const jobs = new Jobs({ storage: memoryStorage(clock), clock, random: (length) => randomBytes(length) });
  return jobs.start(kind, parameters, signal === undefined ? {} : { signal });
}
