import type { Job, JobProgress } from 'securestore';
import type { Cli } from './cli-context.ts';
import { formatBytes, formatDuration, printable, widthOf } from './terminal-text.ts';

/** What takes less than this many milliseconds shows no progress. */
const QUIET_MS = 1000;
const INTERVAL_MS = 200;

/** What is said of the phases of a job: what they count, and more than their names where those don't say what is waited for. */
export type PhaseWords = Readonly<Record<string, { readonly unit?: string; readonly text?: string }>>;

/** How much of a phase is done. What has come to it meanwhile makes its total too small. */
function amount({ done, total }: JobProgress, unit: string | undefined): string | undefined {
  const of = unit === undefined ? '' : ` ${unit}`;
  if (total === undefined || done > total) return done === 0 ? undefined : `${done}${of}`;
  return `${done} of ${total}${of}${total === 0 ? '' : ` (${Math.floor((100 * done) / total)} %)`}`;
}

/**
 * One line on a job under way: what it does, how much is done, how fast, and when that will be done where it is known.
 *
 * @param bytesRate bytes a second, where the job counts bytes: of one large object its items tell nothing
 */
export function formatJobProgress(verb: string, progress: JobProgress, bytesRate = 0, words: PhaseWords = {}): string {
  const { phase, done, total, bytes, rate, eta } = progress;
  // What a server says of its jobs is its own.
  const { unit, text = printable(phase) } = words[phase] ?? {};
  const parts = [
    text,
    amount(progress, unit),
    Math.round(rate) === 0 ? undefined : `${Math.round(rate)}/s`,
    bytes === 0 ? undefined : formatBytes(bytes),
    bytes === 0 || bytesRate === 0 ? undefined : `${formatBytes(Math.round(bytesRate))}/s`,
    eta === undefined || total === undefined || done > total ? undefined : `${formatDuration(eta / 1000)} left`,
  ];
  return `${verb}: ${parts.filter((part) => part !== undefined).join(', ')}`;
}

/** Tells how many bytes a second a phase has got through, over all of it. */
class ByteRate {
  readonly #now: () => Date;
  #phase: string | undefined;
  #begun = 0;
  #before = 0;

  constructor(now: () => Date) {
    this.#now = now;
  }

  note({ phase, bytes }: JobProgress): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#begun = this.#now().getTime();
    this.#before = bytes;
  }

  of({ bytes }: JobProgress): number {
    const elapsed = this.#now().getTime() - this.#begun;
    return elapsed <= 0 ? 0 : ((bytes - this.#before) * 1000) / elapsed;
  }
}

/** As it was told so many milliseconds ago, with what is left of its time by now; that is left out where it is over. */
function since({ eta, ...progress }: JobProgress, ago: number): JobProgress {
  return eta === undefined || eta <= ago ? progress : { ...progress, eta: eta - ago };
}

/** Takes the line of a job's progress away, for something else that is said on the terminal meanwhile. */
export function clearProgress({ stderr }: Pick<Cli, 'stderr'>): void {
  if (stderr.isTTY === true) stderr.write('\r\u001b[K');
}

/** The report of a job, whose progress is shown on stderr meanwhile where that is a terminal. */
export async function watchJob<R>(
  { stderr, now }: Pick<Cli, 'stderr' | 'now'>,
  verb: string,
  job: Job<R>,
  words?: PhaseWords,
): Promise<R> {
  if (stderr.isTTY !== true) return await job;
  let latest: JobProgress | undefined;
  const begun = now().getTime();
  let told = begun;
  const byteRate = new ByteRate(now);
  const show = (): void => {
    if (latest === undefined || now().getTime() - begun < QUIET_MS) return;
    const shown = since(latest, now().getTime() - told);
    stderr.write(
      `\r\u001b[K${formatJobProgress(verb, shown, byteRate.of(latest), words).slice(0, widthOf(stderr) - 1)}`,
    );
  };
  const timer = setInterval(show, INTERVAL_MS);
  const follow = async (): Promise<void> => {
    for await (const progress of job.progress) {
      byteRate.note(progress);
      latest = progress;
      told = now().getTime();
    }
  };
  const following = follow();
  try {
    return await job;
  } finally {
    await following;
    clearInterval(timer);
    clearProgress({ stderr });
  }
}
