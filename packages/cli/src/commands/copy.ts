import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { copyObject, type Copied } from '../object/copy-object.ts';
import { copiedRecord, copyPairs, inWords, type Way } from '../object/copy-pairs.ts';
import { type CopyScope, type KeyPair, pairsBelow, parseCopyScope } from '../object/copy-scope.ts';
import { formatSize } from '../object/object-text.ts';
import { Commands } from '../errors/hints.ts';
import { withNearKeys } from '../object/near-keys.ts';
import { withStore } from '../store/open.ts';
import { startProgress } from '../terminal/progress.ts';
import { printable } from '../terminal/terminal-text.ts';

export interface CopyOptions {
  readonly overwrite?: boolean;
  readonly recursive?: boolean;
}

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

async function copyOne(call: Call, store: SecureStore, pair: KeyPair, way: Way): Promise<void> {
  const { cli, out } = call;
  using progress = startProgress(cli, way.moves ? 'moved' : 'copied');
  const one = (): Promise<Copied> => copyObject(store, pair, { ...way, counted: progress.counted });
  const copied = await withNearKeys(call, store, pair.from, one, 'add --recursive for all of them');
  progress.clear();
  const { status, info } = copied;
  await out.result(copiedRecord(pair, copied), () => {
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

async function copyAll(call: Call, store: SecureStore, { from, to }: KeyPair, way: Way): Promise<ExitCode> {
  const { cli, out, verb } = call;
  const keys = await store.list(`${from}/`, { signal: cli.signal });
  if (keys.length === 0) {
    throw new SecureStoreError('NOT_FOUND', `no keys under ${JSON.stringify(`${from}/`)}. Nothing was changed.`);
  }
  const pairs = pairsBelow(keys, from, to);
  const counts = await copyPairs(call, store, pairs, {
    ...way,
    what: verb,
    report: (pair, copied) => out.result(copiedRecord(pair, copied), () => []),
  });
  const { copied, moved, unchanged, skipped, failed } = counts;
  const summary = { ...(way.moves ? { moved } : { copied, unchanged }), skipped, failed };
  await out.result({ summary }, () => {
    return `${inWords(counts, way)}: ${printable(`${from}/`)} to ${printable(`${to}/`)}`;
  });
  if (moved > 0) noteHistory(call, 'KEY');
  return failed === 0 ? 0 : SOME_FAILED;
}
