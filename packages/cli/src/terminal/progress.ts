import type { Cli } from './cli-context.ts';
import { formatBytes, formatDuration, widthOf } from './terminal-text.ts';

/** What is said of work under way; totals where they are known. */
export interface Amount {
  readonly bytes: number;
  readonly totalBytes?: number | undefined;
}

/** What takes less than this many milliseconds shows no progress. */
const QUIET_MS = 1000;
const INTERVAL_MS = 200;

/**
 * One line on work under way: how much is done, how fast (over all of it), and when it will be done where the total
 * is known.
 */
export function formatProgress(verb: string, { bytes, totalBytes }: Amount, elapsedMs: number): string {
  const rate = elapsedMs > 0 ? (bytes * 1000) / elapsedMs : 0;
  const parts = [
    totalBytes === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`,
    `${formatBytes(Math.round(rate))}/s`,
    totalBytes === undefined || rate === 0 ? undefined : `${formatDuration((totalBytes - bytes) / rate)} left`,
  ];
  return `${verb}: ${parts.filter((part) => part !== undefined).join(', ')}`;
}

/** Counts work, and shows it on a terminal once it has taken {@link QUIET_MS}. */
export interface Progress extends Disposable {
  readonly add: (bytes: number) => void;
  /** Takes the line away, for something else that is said on the terminal. */
  readonly clear: () => void;
  /** Shows what `stream` yields as it is taken. */
  readonly counted: <T extends Uint8Array>(stream: AsyncIterable<T>) => AsyncIterable<T>;
}

/** Shows the progress of `verb` on stderr where that is a terminal; disposing it clears the line. */
export function startProgress(
  { stderr, now }: Pick<Cli, 'stderr' | 'now'>,
  verb: string,
  initial: { readonly totalBytes?: number | undefined } = {},
): Progress {
  let bytes = 0;
  let shown = false;
  const begun = now().getTime();

  function show(): void {
    const elapsed = now().getTime() - begun;
    if (elapsed < QUIET_MS) return;
    const line = formatProgress(verb, { bytes, totalBytes: initial.totalBytes }, elapsed);
    stderr.write(`\r\u001b[K${line.slice(0, widthOf(stderr) - 1)}`);
    shown = true;
  }

  const timer = stderr.isTTY === true ? setInterval(show, INTERVAL_MS) : undefined;
  timer?.unref();
  const add = (more: number): void => {
    bytes += more;
  };
  const clear = (): void => {
    if (shown) stderr.write('\r\u001b[K');
    shown = false;
  };
  return {
    add,
    counted: async function* counted(stream) {
      for await (const chunk of stream) {
        add(chunk.byteLength);
        yield chunk;
      }
    },
    clear,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      clear();
    },
  };
}
