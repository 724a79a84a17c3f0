import type { Job, JobProgress } from 'securestore';

/** A job that was started over this server. */
interface Running {
  readonly job: Job<unknown>;
  /** Who has started it. */
  readonly principal: string;
}

/** The jobs that were started over this server and have not ended: whoever has started one may stop it. */
export class RunningJobs {
  readonly #jobs = new Map<string, Running>();

  add(job: Job<unknown>, principal: string): void {
    this.#jobs.set(job.id, { job, principal });
    const ended = (): void => {
      if (this.#jobs.get(job.id)?.job === job) this.#jobs.delete(job.id);
    };
    job.then(ended, ended);
  }

  progressOf(id: string): AsyncIterable<JobProgress> | undefined {
    return this.#jobs.get(id)?.job.progress;
  }

  /** Has somebody's own job stopped. @returns whether there is one */
  cancelOwn(id: string, principal: string): boolean {
    const found = this.#jobs.get(id);
    if (found?.principal !== principal) return false;
    found.job.cancel('it was cancelled by whoever has started it');
    return true;
  }
}
