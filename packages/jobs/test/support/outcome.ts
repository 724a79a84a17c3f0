import { SecureStoreError } from '@securestore/core-format';
import type { Job } from '../../src/index.ts';

/** How a job, or a call, ends: `done`, or the code of its error. Handles the promise, so that nothing is reported as unhandled. */
export function outcomeOf(job: Pick<Job<unknown>, 'catch'>): Promise<string> {
  return job
    .catch((error: unknown) => error)
    .then((end) => {
      if (!(end instanceof Error)) return 'done';
      return SecureStoreError.is(end) ? end.code : `${end.name}: ${end.message}`;
    });
}
