import type { SecureStoreError } from '@securestore/core-format';
import type { Job, TransferReport } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { reportOf } from '../errors/error-report.ts';
import type { OwnHint } from '../errors/hints.ts';
import type { PlannedItem } from './import-plan.ts';
import { clearProgress, watchJob } from '../terminal/job-progress.ts';
import { refusal, withHints } from '../errors/refuse.ts';
import { printable } from '../terminal/terminal-text.ts';

type Status = PlannedItem['status'];

/** What a transfer has done, or would do. */
type Past = 'imported' | 'to import' | 'exported';

/** What can come of an item, in the order in which it is summed up. */
const STATUSES: Readonly<Record<Past, readonly Status[]>> = {
  imported: ['stored', 'unchanged', 'skipped', 'failed'],
  'to import': ['created', 'replaced', 'unchanged', 'skipped', 'failed'],
  exported: ['written', 'unchanged', 'skipped', 'denied', 'failed'],
};

type Counts = Partial<Record<Status, number>>;

function inWords(counts: Counts, past: Past): string {
  const words = STATUSES[past].flatMap((status) => (counts[status] === undefined ? [] : `${counts[status]} ${status}`));
  return words.length === 0 ? 'nothing to do' : words.join(', ');
}

/**
 * Says what came of an item: on stdout with `--json`; otherwise on stderr, if it was passed over, left out or failed. What would come of it is a
 * result, too.
 */
async function say({ out, cli, verb }: Call, item: PlannedItem): Promise<void> {
  const { name, status, reason, error, ...rest } = item;
  const would = status === 'created' ? 'create' : status === 'replaced' ? 'replace' : undefined;
  if (error !== undefined) {
    clearProgress(cli);
    const report = reportOf(error, { operation: verb, interrupted: cli.signal.aborted });
    if (out.json) await out.result({ name, status, error: report }, () => []);
    else if (status === 'denied') out.note(`left out: ${printable(name)}: ${whyDenied(error)}`);
    else out.error(error, { operation: verb, subject: name });
  } else if (out.json) {
    await out.result({ name, status, ...(reason !== undefined && { reason }), ...rest }, () => []);
  } else if (reason !== undefined) {
    clearProgress(cli);
    out.note(`${status}: ${printable(name)}: ${reason}`);
  } else if (would !== undefined) {
    clearProgress(cli);
    await out.result({}, () => `${would} ${printable(item.key ?? name)}`);
  }
}

function whyDenied({ approvals }: SecureStoreError): string {
  return approvals === undefined
    ? 'reading it was not granted to you'
    : 'reading it needs the approval of another principal';
}

/** Identical objects are skipped. */
const GO_ON: OwnHint = { text: 'to resume with the rest', again: true };

/** What a command says at the end of a transfer. */
export interface TransferWords {
  /** What to say if there were no items and that is a mistake. */
  readonly none?: string | undefined;
  /** How to ask for the approval that an object takes. */
  readonly asking?: string;
}

/**
 * Waits for an import or export, and says what came of each item and of all.
 *
 * @returns 0, or {@link SOME_FAILED}, also if an export has left something out that may not be read
 * @throws what the job rejects with; `NOT_FOUND` with `none`
 */
export async function runTransfer(
  call: Call,
  past: Past,
  start: (onItem: (item: PlannedItem) => Promise<void>) => Job<TransferReport>,
  { none, asking }: TransferWords = {},
): Promise<ExitCode> {
  const { cli, out, verb } = call;
  const counts: Counts = {};
  let asks = false;
  const job = start(async (item) => {
    asks ||= item.status === 'denied' && item.error?.approvals !== undefined;
    counts[item.status] = (counts[item.status] ?? 0) + 1;
    await say(call, item);
  });
  try {
    await watchJob(cli, verb, job);
  } catch (error) {
    if (Object.keys(counts).length === 0) throw error;
    out.note(`stopped: ${inWords(counts, past)}`);
    throw withHints(error, GO_ON);
  }
  if (none !== undefined && Object.keys(counts).length === 0) throw refusal('NOT_FOUND', none);
  const summary = Object.fromEntries(STATUSES[past].map((status) => [status, counts[status] ?? 0]));
  const dryRun = past === 'to import' ? { dryRun: true } : {};
  await out.result({ summary: { ...dryRun, ...summary } }, () => `${past}: ${inWords(counts, past)}`);
  if (asks && asking !== undefined) {
    out.note(`hint: ask for it with ${asking}, for each object; if it is given, the same command writes the object`);
  }
  return counts.failed === undefined && counts.denied === undefined ? 0 : SOME_FAILED;
}
