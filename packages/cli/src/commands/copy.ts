import { SecureStoreError } from '@securestore/core-format';
import { endsAll, forEachConcurrently } from '@securestore/migrate/lazy';
import type { SecureStore } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { copyObject, type Copied, type CopyWay } from '../object/copy-object.ts';
import { type CopyScope, type KeyPair, pairsBelow, parseCopyScope } from '../object/copy-scope.ts';
import { reportOf } from '../errors/error-report.ts';
import { clearProgress } from '../terminal/job-progress.ts';
import { startObjectProgress } from '../terminal/object-progress.ts';
import { formatSize } from '../object/object-text.ts';
import { Commands } from '../errors/hints.ts';
import { withNearKeys } from '../object/near-keys.ts';
import { withStore } from '../store/open.ts';
import { startProgress } from '../terminal/progress.ts';
import { count, printable } from '../terminal/terminal-text.ts';

export interface CopyOptions {
  readonly overwrite?: boolean;
  readonly recursive?: boolean;
}

/** How many objects are copied at once. */
const AT_ONCE = 8;

/** `securestore cp`. */
export async function cp(call: Call<CopyOptions>, from: string, to: string): Promise<ExitCode> {
  return await copy(call, parseCopyScope(from, to, call.options.recursive === true), false);
}

/** `securestore mv`. */
export async function mv(call: Call<CopyOptions>, from: string, to: string): Promise<ExitCode> {
  return await copy(call, parseCopyScope(from, to, call.options.recursive === true), true);
}

async function copy(call: Call<CopyOptions>, scope: CopyScope, moves: boolean): Promise<ExitCode> {
  const { cli, options } = call;
  const way = { moves, overwrite: options.overwrite === true, signal: cli.signal };
  return await withStore<ExitCode>(call, (store) =>
    scope.kind === 'object' ? copyOne(call, store, scope, way) : copyAll(call, store, scope, way),
  );
}

type Way = Omit<CopyWay, 'counted'>;

function record({ from, to }: KeyPair, { status, info }: Copied): object {
  const { version, size, category } = info;
  return { from, to, status, version, size, category };
}

async function copyOne(call: Call, store: SecureStore, pair: KeyPair, way: Way): Promise<void> {
  const { cli, out } = call;
  using progress = startProgress(cli, way.moves ? 'moved' : 'copied');
  const one = (): Promise<Copied> => copyObject(store, pair, { ...way, counted: progress.counted });
  const copied = await withNearKeys(call, store, pair.from, one, 'add --recursive for all of them');
  progress.clear();
  const { status, info } = copied;
  await out.result(record(pair, copied), () => {
    const [from, to] = [printable(pair.from), printable(pair.to)];
    if (status === 'unchanged') return `${to} holds the same as ${from} already`;
    return `${status} ${from} to ${to}, ${formatSize(info.size)}, version ${info.version}`;
  });
  if (way.moves) noteHistory(call, pair.from);
}

function noteHistory(call: Call, key: string): void {
  const list = new Commands(call).on(['history', key]);
  call.out.note(printable(`note: the history stays with the old key; to list it: ${list}`));
}

type Counts = Record<Copied['status'] | 'skipped' | 'failed', number>;

function inWords(counts: Counts, way: Way): string {
  const done = way.moves ? `moved ${count(counts.moved, 'key')}` : `copied ${count(counts.copied, 'key')}`;
  const others = (['unchanged', 'skipped', 'failed'] as const).filter((status) => counts[status] > 0);
  return [done, ...others.map((status) => `${counts[status]} ${status}`)].join(', ');
}

async function copyAll(call: Call, store: SecureStore, { from, to }: KeyPair, way: Way): Promise<ExitCode> {
  const { cli, out, verb } = call;
  const keys = await store.list(`${from}/`, { signal: cli.signal });
  if (keys.length === 0) {
    throw new SecureStoreError('NOT_FOUND', `no keys under ${JSON.stringify(`${from}/`)}. Nothing was changed.`);
  }
  const pairs = pairsBelow(keys, from, to);
  const counts: Counts = { copied: 0, moved: 0, unchanged: 0, skipped: 0, failed: 0 };
  using progress = startObjectProgress(cli, verb, 'keys');
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
        await out.result(record(pair, copied), () => []);
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
  const { copied, moved, unchanged, skipped, failed } = counts;
  const summary = { ...(way.moves ? { moved } : { copied, unchanged }), skipped, failed };
  clearProgress(cli);
  await out.result({ summary }, () => {
    return `${inWords(counts, way)}: ${printable(`${from}/`)} to ${printable(`${to}/`)}`;
  });
  if (moved > 0) noteHistory(call, 'KEY');
  return failed === 0 ? 0 : SOME_FAILED;
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
