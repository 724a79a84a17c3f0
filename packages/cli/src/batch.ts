import type { ErrorCode } from '@securestore/core-format';
import { type Call, type ExitCode, SOME_FAILED } from './call.ts';
import { forEachConcurrently } from './concurrency.ts';
import { reportOf } from './error-report.ts';
import { type Progress, startProgress } from './progress.ts';
import { printable } from './terminal-text.ts';

/** What came of one item that didn't fail; the name and the fields that belong to it go on its JSON line. */
export interface ItemOutcome {
  readonly status: Exclude<Status, 'failed'>;
  /** Why it was passed over, said to people too. */
  readonly reason?: string;
  readonly key?: string;
  readonly version?: string;
}

/** Work on many items, of which some may fail without ending it. */
export interface Batch<T> {
  /** What the work does, in the past, such as `imported`. */
  readonly verb: string;
  readonly items: AsyncIterable<T> | Iterable<T>;
  /** How many items are under way at once. */
  readonly concurrency: number;
  readonly nameOf: (item: T) => string;
  /** Undefined for what is part of another item and not counted. */
  readonly work: (item: T, progress: Progress) => Promise<ItemOutcome | undefined>;
}

/** Failures that every further item would share, so that going on would only repeat them. */
const ENDS_ALL: ReadonlySet<ErrorCode> = new Set([
  'ABORTED',
  'UNAVAILABLE',
  'TIMEOUT',
  'THROTTLED',
  'NO_SPACE',
  'READ_ONLY',
  'LOCKED',
  'ROLLBACK',
  'UNAUTHENTICATED',
]);

/** Whether a failure of one item is one of all. */
export function endsAll(code: ErrorCode): boolean {
  return ENDS_ALL.has(code);
}

/** In the order in which they are summed up. */
const STATUSES = ['stored', 'written', 'unchanged', 'skipped', 'failed'] as const;

type Status = (typeof STATUSES)[number];
type Counts = Map<Status, number>;

function add(counts: Counts, status: Status): void {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}

function summary(counts: Counts): Partial<Record<Status, number>> {
  const known = STATUSES.map((status) => [status, counts.get(status)] as const);
  return Object.fromEntries(known.filter(([, number]) => number !== undefined));
}

function inWords(counts: Counts): string {
  const words = Object.entries(summary(counts)).map(([status, number]) => `${number} ${status}`);
  return words.length === 0 ? 'nothing to do' : words.join(', ');
}

/**
 * Works on all items, says on stdout what came of each (with `--json`) and of all, and lists what failed on stderr.
 *
 * @returns 0, or {@link SOME_FAILED}.
 * @throws the first failure that concerns all items, such as `UNAVAILABLE`, after what was under way has ended.
 */
export async function runBatch<T>(call: Call, batch: Batch<T>): Promise<ExitCode> {
  const { cli, out, verb } = call;
  const counts: Counts = new Map();
  using progress = startProgress(cli, batch.verb, { files: 0 });

  async function say(name: string, outcome: ItemOutcome): Promise<void> {
    add(counts, outcome.status);
    if (out.json) await out.result({ name, ...outcome }, () => []);
    else if (outcome.reason !== undefined) {
      progress.clear();
      out.note(`${outcome.status}: ${printable(name)}: ${outcome.reason}`);
    }
  }

  async function fail(name: string, error: unknown): Promise<void> {
    const report = reportOf(error, { operation: verb, interrupted: cli.signal.aborted });
    if (endsAll(report.code)) throw error;
    add(counts, 'failed');
    progress.clear();
    out.error(error, { operation: verb, subject: name });
    if (out.json) await out.result({ name, status: 'failed', error: report }, () => []);
  }

  try {
    await forEachConcurrently(batch.items, batch.concurrency, async (item) => {
      cli.signal.throwIfAborted();
      const name = batch.nameOf(item);
      try {
        const outcome = await batch.work(item, progress);
        progress.addFile();
        if (outcome !== undefined) await say(name, outcome);
      } catch (error) {
        await fail(name, error);
      }
    });
  } catch (error) {
    progress.clear();
    if (counts.size > 0) {
      // How to go on after an interruption is said with the error itself.
      const { code } = reportOf(error, { operation: verb, interrupted: cli.signal.aborted });
      const next = code === 'ABORTED' ? '' : '; run the same command again to go on, it passes over what is done';
      out.note(`stopped: ${inWords(counts)}${next}`);
    }
    throw error;
  }
  progress.clear();
  await out.result({ summary: summary(counts) }, () => `${batch.verb}: ${inWords(counts)}`);
  return counts.has('failed') ? SOME_FAILED : 0;
}
