import type { VerifyProgress } from 'securestore';
import type { Cli } from './cli-context.ts';
import { formatBytes, formatDuration, widthOf } from './terminal-text.ts';

/** What takes less than this many milliseconds shows no progress. */
const QUIET_MS = 1000;
const INTERVAL_MS = 200;

/** One line on work on objects that is under way: how much is done, how fast, and when it will be done. */
export function formatObjects(
  verb: string,
  { done, total: counted, bytes }: VerifyProgress,
  elapsedMs: number,
  what = 'objects',
): string {
  const rate = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  // A server of an earlier release counts on past its end.
  const total = counted === undefined || done > counted ? undefined : counted;
  const left = total === undefined || rate === 0 ? undefined : (total - done) / rate;
  const parts = [
    total === undefined ? `${done} ${what}` : `${done} of ${total} ${what}`,
    bytes === 0 ? undefined : formatBytes(bytes),
    `${Math.round(rate)}/s`,
    left === undefined ? undefined : `${formatDuration(left)} left`,
  ];
  return `${verb}: ${parts.filter((part) => part !== undefined).join(', ')}`;
}

/** Shows how far work on objects is. Disposing it takes the line away. */
export interface ObjectProgress extends Disposable {
  readonly show: (progress: VerifyProgress) => void;
}

/** Shows progress on stderr where that is a terminal, once it has taken {@link QUIET_MS}. */
export function startObjectProgress(
  { stderr, now }: Pick<Cli, 'stderr' | 'now'>,
  verb: string,
  what?: string,
): ObjectProgress {
  const begun = now().getTime();
  let last = 0;
  let shown = false;
  return {
    show(progress) {
      const elapsed = now().getTime() - begun;
      if (stderr.isTTY !== true || elapsed < QUIET_MS || elapsed - last < INTERVAL_MS) return;
      last = elapsed;
      shown = true;
      stderr.write(`\r\u001b[K${formatObjects(verb, progress, elapsed, what).slice(0, widthOf(stderr) - 1)}`);
    },
    [Symbol.dispose]() {
      if (shown) stderr.write('\r\u001b[K');
    },
  };
}
