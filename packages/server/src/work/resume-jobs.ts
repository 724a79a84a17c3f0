import { SecureStoreError } from '@securestore/core-format';
import type { Logger, SecureStore } from 'securestore';

/** Failures to go on with a job of which nobody needs to know. */
const QUIET: ReadonlySet<string> = new Set(['LOCKED', 'NOT_FOUND', 'UNSUPPORTED']);

/**
 * Goes on with the jobs that somebody has begun and nobody has stopped on purpose: their process was killed, or its store was closed. One
 * that another process runs is left to that.
 */
export async function resumeJobs({ jobs }: Pick<SecureStore, 'jobs'>, logger: Logger | undefined): Promise<void> {
  const unfinished = await jobs.list();
  for (const job of unfinished) {
    if (job.kind === undefined || job.state === 'cancelling' || job.error === 'ABORTED') continue;
    const { id } = job;
    logger?.info({ job: id }, `resuming job ${id}, which was interrupted`);
    jobs.resume(id).then(
      () => logger?.info({ job: id }, `job ${id}, which was interrupted, is done`),
      (error: unknown) => {
        // The message of any other error may hold anything.
        const known = SecureStoreError.is(error) ? error : undefined;
        const code = known?.code ?? 'INTERNAL';
        // Somebody else is at it, it was done by the time, or it is of a kind that is begun again and not resumed.
        if (QUIET.has(code)) return;
        const why = known === undefined ? '' : `: ${known.message}`;
        const advice = known?.advice;
        logger?.warn(
          { job: id, code, ...(advice && { advice }) },
          `job ${id}, which was interrupted, has failed (${code})${why}`,
        );
      },
    );
  }
}
