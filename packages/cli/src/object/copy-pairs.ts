import { SecureStoreError } from '@securestore/core-format';
import { endsAll, forEachConcurrently } from '@securestore/migrate/lazy';
import type { SecureStore } from 'securestore';
import type { Call } from '../call/call.ts';
import { reportOf } from '../errors/error-report.ts';
import { clearProgress } from '../terminal/job-progress.ts';
import { startObjectProgress } from '../terminal/object-progress.ts';
import { count, printable } from '../terminal/terminal-text.ts';
import { copyObject, type Copied, type CopyWay } from './copy-object.ts';
import type { KeyPair } from './copy-scope.ts';

/** How many objects are copied at once. */
const AT_ONCE = 8;

export type Way = Omit<CopyWay, 'counted'>;

type Counts = Record<Copied['status'] | 'skipped' | 'failed', number>;

/** How {@link copyPairs} reports what it does. */
interface Reporting {
  /** The beginning of the line of progress. */
  readonly what: string;
  readonly report: (pair: KeyPair, copied: Copied) => Promise<void>;
}

/** A copied object as JSON. */
export function copiedRecord({ from, to }: KeyPair, { status, info }: Copied): object {
  const { version, size, category } = info;
  return { from, to, status, version, size, category };
}

/** The result for the keys of a folder, in words. */
export function inWords(counts: Counts, { moves }: Pick<Way, 'moves'>): string {
  const done = moves ? `moved ${count(counts.moved, 'key')}` : `copied ${count(counts.copied, 'key')}`;
  const others = (['unchanged', 'skipped', 'failed'] as const).filter((status) => counts[status] > 0);
  return [done, ...others.map((status) => `${counts[status]} ${status}`)].join(', ');
}

/**
 * Copies or moves objects. Those that fail are reported, and counted.
 *
 * @throws what every further object would meet as well
 */
export async function copyPairs(
  call: Call,
  store: SecureStore,
  pairs: readonly KeyPair[],
  { what, report, ...way }: Way & Reporting,
): Promise<Counts> {
  const { cli, out } = call;
  const counts: Counts = { copied: 0, moved: 0, unchanged: 0, skipped: 0, failed: 0 };
  using progress = startObjectProgress(cli, what, 'keys');
  let [done, bytes] = [0, 0];
  const show = (): void => progress.show({ done, total: pairs.length, bytes });
  const counted = async function* counted(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      bytes += chunk.byteLength;
      show();
      yield chunk;
    }
  };
  try {
    await forEachConcurrently(pairs, AT_ONCE, async (pair) => {
      cli.signal.throwIfAborted();
      try {
        const copied = await copyObject(store, pair, { ...way, counted });
        counts[copied.status] += 1;
        await report(pair, copied);
      } catch (error) {
        counts[await passOver(call, pair, error)] += 1;
      }
      done += 1;
      show();
    });
  } catch (error) {
    clearProgress(cli);
    out.note(`stopped: ${inWords(counts, way)}, ${pairs.length - done} left`);
    throw error;
  }
  clearProgress(cli);
  return counts;
}

/** Says of a key why it is not done. @throws what every further key would meet as well */
async function passOver(
  { cli, out, verb }: Call,
  { from, to }: KeyPair,
  error: unknown,
): Promise<'skipped' | 'failed'> {
  if (!SecureStoreError.is(error) || endsAll(error.code) || cli.signal.aborted) throw error;
  clearProgress(cli);
  // A list has names that have expired, and others that are deleted meanwhile.
  const isGone = error.code === 'NOT_FOUND';
  if (out.json) {
    const report = reportOf(error, { operation: verb });
    const outcome = isGone ? { status: 'skipped' } : { status: 'failed', error: report };
    await out.result({ from, to, ...outcome }, () => []);
  } else if (isGone) out.note(`skipped: ${printable(from)}: it expired or was deleted`);
  else out.error(error, { operation: verb, subject: from });
  return isGone ? 'skipped' : 'failed';
}
