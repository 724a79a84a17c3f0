import { SecureStoreError } from '@securestore/core-format';
import type { Job, JobProgress } from '@securestore/objects';

/**
 * A job that begins when whoever guards it lets it.
 *
 * @param start is given what the guard gives, if it gives anything
 * @param guard calls what it is given, or throws instead
 */
export function guardedJob<R>(
  id: string,
  start: (given: readonly unknown[] | undefined) => Job<R>,
  guard: (run: (given?: readonly unknown[]) => Promise<R>) => Promise<R>,
): Job<R> {
  const begun = Promise.withResolvers<void>();
  let job: Job<R> | undefined;
  let cancelled = false;
  const run = async (given?: readonly unknown[]): Promise<R> => {
    if (cancelled) throw new SecureStoreError('ABORTED', `job ${id} was cancelled before it began`);
    job = start(given);
    begun.resolve();
    return job;
  };
  const progress: AsyncIterable<JobProgress> = {
    async *[Symbol.asyncIterator]() {
      await begun.promise;
      if (job !== undefined) yield* job.progress;
    },
  };
  const cancel = (reason?: string): void => {
    cancelled = true;
    job?.cancel(reason);
  };
  return Object.assign(
    guard(run).finally(() => begun.resolve()),
    { id, progress, cancel },
  );
}
