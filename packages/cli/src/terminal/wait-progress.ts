import type { Cli } from './cli-context.ts';
import { formatDuration, widthOf } from './terminal-text.ts';

/** What takes less than this many milliseconds shows nothing. */
const QUIET_MS = 1000;
const INTERVAL_MS = 200;

/** What `work` gives. Where it takes its time, and stderr is a terminal, that says meanwhile what is waited for, and how long by now. */
export async function watchWait<T>(
  { stderr, now }: Pick<Cli, 'stderr' | 'now'>,
  what: string,
  work: Promise<T>,
): Promise<T> {
  if (stderr.isTTY !== true) return await work;
  const begun = now().getTime();
  let isShown = false;
  const show = (): void => {
    const elapsed = now().getTime() - begun;
    if (elapsed < QUIET_MS) return;
    const width = widthOf(stderr);
    stderr.write(`\r\u001b[K${`${what}, ${formatDuration(elapsed / 1000)}`.slice(0, width - 1)}`);
    isShown = true;
  };
  const timer = setInterval(show, INTERVAL_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (isShown) stderr.write('\r\u001b[K');
  }
}
