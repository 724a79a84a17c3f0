import { open, stat } from 'node:fs/promises';
import { parse } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { fileError, parseStoreKey, SecureStoreError, systemCodeOf } from '@securestore/core-format';
import type { ByteSource } from '@securestore/migrate';
import type { ObjectInfo, SecureStore, StoreOptions } from 'securestore';
import type { Call } from '../call/call.ts';
import { backupOf, hasLostNewest } from '../object/near-keys.ts';
import { formatSize, infoRecord } from '../object/object-text.ts';
import { withStore } from '../store/open.ts';
import { parseExpiry } from '../call/parse-time.ts';
import { parseMetadata } from '../call/parse-values.ts';
import { startProgress } from '../terminal/progress.ts';
import { askHidden, openTerminal } from '../secret/prompt.ts';
import { Commands, type OwnHint } from '../errors/hints.ts';
import { refusal, refuse, withHints } from '../errors/refuse.ts';
import { printable } from '../terminal/terminal-text.ts';

export interface PutOptions {
  readonly meta?: readonly string[];
  readonly ifAbsent?: boolean;
  readonly ifVersion?: string;
  readonly ifDamaged?: boolean;
  readonly expires?: string;
  readonly keepMeta?: boolean;
}

const MAKE_ROOM: readonly OwnHint[] = [
  { text: 'remove something else from that disk first: purge and gc need room too' },
  { text: 'then purge and gc free what the store no longer needs' },
];

/** The hints of a failure of `put`. */
function hintsFor({ options }: Call<PutOptions>, key: string, error: unknown): readonly OwnHint[] {
  if (SecureStoreError.is(error, 'NO_SPACE')) return MAKE_ROOM;
  if (!SecureStoreError.is(error, 'CONFLICT')) return [];
  const look: OwnHint = { text: 'to see what is there', on: ['info', key] };
  if (options.ifAbsent === true) {
    return [look, { text: 'to replace it, leave out --if-absent; its history keeps the present version' }];
  }
  return options.ifVersion === undefined ? [] : [look];
}

/** `securestore put`. */
export async function put(call: Call<PutOptions>, key: string, file: string | undefined): Promise<void> {
  const { cli, out } = call;
  parseStoreKey(key);
  const given = storeOptions(call);
  await using source = await openSource(call, key, file);
  await withStore(call, async (store) => {
    const data = await source.data();
    const { keepMeta = false } = call.options;
    const options = keepMeta ? await keeping(call, store, key, given) : given;
    const before = keepMeta ? undefined : await replaced(call, store, key);
    const isLost = before === 'none' && (await hasLostNewest(call, store, key));
    using progress = source.typed ? undefined : startProgress(cli, 'stored', { totalBytes: source.size });
    const counted = typeof data === 'string' ? data : (progress?.counted(data) ?? data);
    const storing = store.store(key, counted, { ...options, signal: cli.signal });
    const info = await storing.catch((error: unknown) => {
      throw withHints(error, ...hintsFor(call, key, error));
    });
    progress?.clear();
    await out.result(
      infoRecord(info),
      () => `stored ${printable(key)}, ${formatSize(info.size)}, version ${info.version}`,
    );
    if (before !== 'none') noteDropped(call, before);
    if (isLost) await noteLost(call, store, key);
  });
}

/** The object that is about to be replaced; `undefined` if it was not read, or the caller may not see it. */
async function replaced(
  { cli, options }: Call<PutOptions>,
  store: Pick<SecureStore, 'info'>,
  key: string,
): Promise<ObjectInfo | 'none' | undefined> {
  const { meta, expires, ifAbsent } = options;
  // Then nothing can be dropped, and it need not be read.
  if (ifAbsent === true || (meta !== undefined && expires !== undefined)) return undefined;
  return await store.info(key, { signal: cli.signal }).catch((error: unknown) => {
    return SecureStoreError.is(error, 'NOT_FOUND') && error.advice === undefined ? 'none' : undefined;
  });
}

/** After a lost version, no read returns the versions before it any more. */
async function noteLost(call: Call<PutOptions>, store: SecureStore, key: string): Promise<void> {
  const earlier = new Commands(call).on(['history', key], { backup: await backupOf(store) });
  call.out.note(
    printable(
      `note: the newest version of ${key} had been lost, and not deleted, so its history begins again; ` +
        `to see its earlier versions in a backup: ${earlier}`,
    ),
  );
}

/**
 * What a new version keeps of the one before, on the condition that it still is the one before: what another writer has
 * changed meanwhile is not put back.
 *
 * @throws what `info` throws, but not that there is no such object
 */
async function keeping(
  { cli, options }: Call<PutOptions>,
  store: SecureStore,
  key: string,
  given: StoreOptions,
): Promise<StoreOptions> {
  const { ifVersion } = options;
  try {
    const { version, metadata, expires } = await store.info(key, { signal: cli.signal });
    const kept = given.expires ?? expires;
    return { metadata, ifVersion: ifVersion ?? version, ...(kept === undefined ? {} : { expires: kept }) };
  } catch (error) {
    if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    return ifVersion === undefined ? { ...(given.expires && { expires: given.expires }), ifAbsent: true } : given;
  }
}

/** A new version has nothing of the one before. */
function noteDropped({ out, options }: Call<PutOptions>, before: ObjectInfo | undefined): void {
  const names = options.meta === undefined ? Object.keys(before?.metadata ?? {}).length : 0;
  const hasExpiry = options.expires === undefined && before?.expires !== undefined;
  const dropped = [...(names === 0 ? [] : [`metadata (${names})`]), ...(hasExpiry ? ['the expiry'] : [])];
  if (dropped.length > 0)
    out.note(`note: dropped ${dropped.join(' and ')}; --keep-meta keeps ${names === 0 ? 'it' : 'them'}`);
}

/** The condition that was given: the command line refuses several. */
function conditionIn({ ifAbsent, ifVersion, ifDamaged }: PutOptions): StoreOptions {
  if (ifVersion !== undefined) return { ifVersion };
  if (ifDamaged !== undefined) return { ifDamaged };
  return ifAbsent === undefined ? {} : { ifAbsent };
}

function storeOptions({ cli, options }: Call<PutOptions>): StoreOptions {
  const { meta, expires } = options;
  return {
    ...(meta === undefined ? {} : { metadata: parseMetadata(meta) }),
    ...conditionIn(options),
    ...(expires === undefined ? {} : { expires: parseExpiry('--expires', expires, cli.now()) }),
  };
}

interface Source extends AsyncDisposable {
  /** Whether a person types it, on whose terminal no progress is to appear meanwhile. */
  readonly typed: boolean;
  readonly size?: number;
  /** Taken once the store is open: nobody should type data for a store that then doesn't open. */
  readonly data: () => Promise<string | ByteSource>;
}

async function openSource(call: Call, key: string, file: string | undefined): Promise<Source> {
  const { cli } = call;
  if (file === '') refuse('the name of the file must not be empty');
  if (file !== undefined && file !== '-') return await openInput(call, file);
  if (file === undefined && cli.stdin.isTTY === true) {
    const terminal = openTerminal(cli);
    if (terminal === undefined) {
      refuse('no data is given', { text: 'give a file, or pipe the data into the command' });
    }
    return {
      typed: true,
      data: () => askHidden(cli, terminal, `Data of ${printable(key)}`),
      [Symbol.asyncDispose]: async () => terminal[Symbol.dispose](),
    };
  }
  const stdin = addAbortSignal(cli.signal, cli.stdin);
  const typed = stdin.isTTY === true;
  return {
    typed,
    data: async () => {
      if (typed) call.out.note('type the data; Ctrl-D on a line of its own ends it');
      return stdin;
    },
    [Symbol.asyncDispose]: async () => void stdin.destroy(),
  };
}

async function openInput({ cli }: Call, path: string): Promise<Source> {
  try {
    const file = await open(path);
    const stats = await file.stat();
    if (stats.isDirectory()) {
      await file.close();
      refuse(`"${path}" is a folder`, { text: 'to store the files in it', on: ['import', path] });
    }
    const stream = addAbortSignal(cli.signal, file.createReadStream({ highWaterMark: 256 * 1024 }));
    return {
      typed: false,
      ...(stats.isFile() ? { size: stats.size } : {}),
      data: async () => stream,
      [Symbol.asyncDispose]: async () => void stream.destroy(),
    };
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') throw await noSuchFile(path);
    throw fileError(error, `cannot read "${path}"`);
  }
}

/** The name is repeated only where it surely is one: it may be the data itself, which no message may hold. */
async function noSuchFile(path: string): Promise<SecureStoreError> {
  const { dir, root } = parse(path);
  const folder = dir === '' || dir === root ? undefined : await stat(dir).catch(() => undefined);
  if (folder?.isDirectory() === true) {
    return refusal('INVALID_ARGUMENT', `the file "${path}" does not exist`, { operation: 'put' });
  }
  return refusal('INVALID_ARGUMENT', 'the file does not exist; its name is not repeated, since it may be the data', {
    operation: 'put',
    hints: [{ text: 'put KEY FILE stores a file, and data is piped into put KEY' }],
  });
}
