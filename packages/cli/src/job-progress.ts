import type { Job, JobProgress } from 'securestore';
import type { Cli } from './cli-context.ts';
import { formatDuration } from './terminal-text.ts';

/** What takes less than this many milliseconds shows no progress. */
const QUIET_MS = 1000;
const INTERVAL_MS = 200;

/** One line on a job under way: what it does, how much is done, how fast, and when that will be done where it is known. */
export function formatJobProgress(verb: string, { phase, done, total, rate, eta }: JobProgress): string {
  const parts = [
    phase,
    done === 0 && total === undefined ? undefined : total === undefined ? `${done}` : `${done} of ${total}`,
    rate === 0 ? undefined : `${Math.round(rate)}/s`,
    eta === undefined ? undefined : `${formatDuration(eta / 1000)} left`,
  ];
  return `${verb}: ${parts.filter((part) => part !== undefined).join(', ')}`;
}

/** The report of a job, whose progress is shown on stderr meanwhile where that is a terminal. */
export async function watchJob<R>({ stderr, now }: Pick<Cli, 'stderr' | 'now'>, verb: string, job: Job<R>): Promise<R> {
  if (stderr.isTTY !== true) return await job;
  let latest: JobProgress | undefined;
  const begun = now().getTime();
  // A terminal that does not say its width says 0.
  const width = (): number => stderr.columns || 80;
  const show = (): void => {
    if (latest === undefined || now().getTime() - begun < QUIET_MS) return;
    stderr.write(`\r\u001b[K${formatJobProgress(verb, latest).slice(0, width() - 1)}`);
  };
  const timer = setInterval(show, INTERVAL_MS);
  const follow = async (): Promise<void> => {
    for await (const progress of job.progress) latest = progress;
  };
  const following = follow();
  try {
    return await job;
  } finally {
    await following;
    clearInterval(timer);
    stderr.write('\r\u001b[K');
  }
}
