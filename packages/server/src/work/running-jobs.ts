import type { Job, JobProgress } from 'securestore';

/** A job that was started over this server. */
interface Running {
  readonly job: Job<unknown>;
  /** Who has started it. */
  readonly principal: string;
}

/** The jobs that were started over this server and have not ended: whoever has started one may stop it. */
export class RunningJobs {
  /**
   * By their ids, the one that was asked for first before others: who asks for what runs already, or for what they may not do, has a job of that id
   * too until it is refused, and takes nothing from whoever has started the one that runs.
   */
  readonly #jobs = new Map<string, readonly Running[]>();

  add(job: Job<unknown>, principal: string): void {
    const { id } = job;
    const running = { job, principal };
    this.#jobs.set(id, [...(this.#jobs.get(id) ?? []), running]);
    const ended = (): void => {
      const others = (this.#jobs.get(id) ?? []).filter((one) => one !== running);
      if (others.length > 0) this.#jobs.set(id, others);
      else this.#jobs.delete(id);
    };
    job.then(ended, ended);
  }

  progressOf(id: string): AsyncIterable<JobProgress> | undefined {
    return this.#jobs.get(id)?.[0]?.job.progress;
  }

  /** Has somebody's own job stopped. @returns whether there is one */
  cancelOwn(id: string, principal: string): boolean {
    const own = (this.#jobs.get(id) ?? []).filter((one) => one.principal === principal);
    for (const { job } of own) job.cancel('by the caller who started it');
    return own.length > 0;
  }
}
