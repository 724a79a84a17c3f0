import { type ErrorCode, fileError, SecureStoreError } from '@securestore/core-format';
import { type Job, type JobContext, type JobKind, startVolatile } from '@securestore/jobs';
import { signalOf } from '@securestore/objects/internal';
import { forEachConcurrently } from './concurrency.ts';
import type { ExportReport, FailedItem, ImportReport, TransferItem, TransferOptions } from './types.ts';

/** How many of the items that failed a report lists. */
const MAX_FAILURES = 1000;

/** Codes of failures that every further item would share, so that continuing would only repeat them. */
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

/** The outcome of an item that didn't fail. */
export type ItemOutcome = Omit<TransferItem, 'name'>;

/** An import or export that is under way. */
export interface Transfer extends Pick<JobContext<object>, 'signal' | 'progress'> {
  readonly note: (name: string, outcome: ItemOutcome) => Promise<void>;
  /** Notes that an item failed. @throws if its failure concerns all items */
  readonly fail: (name: string, error: unknown) => Promise<void>;
  /** Counts what `source` yields as it is taken. */
  readonly counted: <T extends Uint8Array>(source: AsyncIterable<T>) => AsyncIterable<T>;
  readonly addBytes: (bytes: number) => void;
  readonly imported: () => ImportReport;
  readonly exported: () => ExportReport;
}

function known(error: unknown): SecureStoreError {
  const mapped = fileError(error, 'a file operation failed');
  if (SecureStoreError.is(mapped)) return mapped;
  return new SecureStoreError('INTERNAL', 'the item failed unexpectedly', { cause: error });
}

function transferOf({ signal, progress }: JobContext<object>, onItem: TransferOptions['onItem']): Transfer {
  const counts = { stored: 0, written: 0, unchanged: 0, skipped: 0, denied: 0, failed: 0 };
  const failures: FailedItem[] = [];
  let total = 0;
  const addBytes = (bytes: number): void => {
    total += bytes;
    progress({ bytes });
  };
  const tell = async (item: TransferItem): Promise<void> => {
    const { status } = item;
    counts[status] += 1;
    progress({ done: 1 });
    await onItem?.(item);
  };
  return {
    signal,
    progress,
    addBytes,
    note: (name, outcome) => tell({ name, ...outcome }),
    fail: async (name, thrown) => {
      signal.throwIfAborted();
      const error = known(thrown);
      if (endsAll(error.code)) throw error;
      const { code, message, key } = error;
      const about = key === undefined ? {} : { key };
      if (failures.length < MAX_FAILURES) failures.push({ name, ...about, code, message });
      await tell({ name, status: 'failed', ...about, error });
    },
    counted: async function* counted(source) {
      for await (const chunk of source) {
        addBytes(chunk.byteLength);
        yield chunk;
      }
    },
    imported: () => {
      const { written: _, denied: __, ...counted } = counts;
      return { ...counted, failures, bytes: total };
    },
    exported: () => {
      const { stored: _, ...counted } = counts;
      return { ...counted, failures, bytes: total };
    },
  };
}

/** Starts an import or export. The same call resumes it: identical items are skipped. */
export function startTransfer<R>(
  name: string,
  options: TransferOptions,
  run: (transfer: Transfer) => Promise<R>,
): Job<R> {
  const kind: JobKind<object, R> = {
    name,
    run: (context) => run(transferOf(context, options.onItem)),
    parse() {
      throw new SecureStoreError('UNSUPPORTED', `the job ${name} has no parameters and cannot be resumed`, {
        advice: [{ id: 'start-job-again', job: name }],
      });
    },
  };
  return startVolatile(kind, {}, { signal: signalOf(options) });
}

/** Items to work on, of which some may fail without ending it. */
interface Work<T> {
  readonly items: AsyncIterable<T> | Iterable<T>;
  /** How many items are under way at once. */
  readonly concurrency: number;
  readonly nameOf: (item: T) => string;
  /** Undefined for what is part of another item and not counted, or is noted later. */
  readonly work: (item: T) => Promise<ItemOutcome | undefined>;
}

/** Works on all items. @throws the first failure that concerns all items, after what was under way has ended */
export async function transferItems<T>(
  { signal, note, fail }: Transfer,
  { items, concurrency, nameOf, work }: Work<T>,
): Promise<void> {
  await forEachConcurrently(items, concurrency, async (item) => {
    signal.throwIfAborted();
    const name = nameOf(item);
    let outcome: ItemOutcome | undefined;
    try {
      outcome = await work(item);
    } catch (error) {
      await fail(name, error);
    }
    if (outcome !== undefined) await note(name, outcome);
  });
}
