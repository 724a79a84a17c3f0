import type { Job, TransferItem, TransferReport } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from './call.ts';
import { reportOf } from './error-report.ts';
import { clearProgress, watchJob } from './job-progress.ts';
import { printable } from './terminal-text.ts';

type Status = TransferItem['status'];

/** In the order in which they are summed up. */
const STATUSES = ['stored', 'written', 'unchanged', 'skipped', 'failed'] as const satisfies readonly Status[];

type Counts = Partial<Record<Status, number>>;

/** The counts that are not 0. */
function summary(counts: Counts): Counts {
  const known = STATUSES.map((status) => [status, counts[status] ?? 0] as const);
  return Object.fromEntries(known.filter(([, number]) => number > 0));
}

function inWords(counts: Counts): string {
  const words = Object.entries(summary(counts)).map(([status, number]) => `${number} ${status}`);
  return words.length === 0 ? 'nothing to do' : words.join(', ');
}

/** Says what came of an item: on stdout with `--json`; otherwise on stderr, where it was passed over or failed. */
async function say({ out, cli, verb }: Call, item: TransferItem): Promise<void> {
  const { name, status, reason, error, ...rest } = item;
  if (error !== undefined) {
    clearProgress(cli);
    const report = reportOf(error, { operation: verb, interrupted: cli.signal.aborted });
    if (out.json) await out.result({ name, status, error: report }, () => []);
    else out.error(error, { operation: verb, subject: name });
  } else if (out.json) {
    await out.result({ name, status, ...(reason !== undefined && { reason }), ...rest }, () => []);
  } else if (reason !== undefined) {
    clearProgress(cli);
    out.note(`${status}: ${printable(name)}: ${reason}`);
  }
}

/**
 * Waits for an import or export, and says what came of each item and of all.
 *
 * @param past what it does, in the past, such as `imported`
 * @returns 0, or {@link SOME_FAILED}
 * @throws what the job rejects with
 */
export async function runTransfer(
  call: Call,
  past: string,
  start: (onItem: (item: TransferItem) => Promise<void>) => Job<TransferReport>,
): Promise<ExitCode> {
  const { cli, out, verb } = call;
  const counts: Counts = {};
  const job = start(async (item) => {
    counts[item.status] = (counts[item.status] ?? 0) + 1;
    await say(call, item);
  });
  try {
    await watchJob(cli, verb, job);
  } catch (error) {
    if (Object.keys(counts).length > 0) {
      // How to go on after an interruption is said with the error itself.
      const { code } = reportOf(error, { operation: verb, interrupted: cli.signal.aborted });
      const next = code === 'ABORTED' ? '' : '; run the same command again to go on, it passes over what is done';
      out.note(`stopped: ${inWords(counts)}${next}`);
    }
    throw error;
  }
  await out.result({ summary: summary(counts) }, () => `${past}: ${inWords(counts)}`);
  return counts.failed === undefined ? 0 : SOME_FAILED;
}
