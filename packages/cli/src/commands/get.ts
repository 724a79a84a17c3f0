import { isUtf8 } from 'node:buffer';
import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { ByteSource } from '@securestore/migrate';
import { ownFiles } from '@securestore/migrate/lazy';
import type { RangeOptions, RetrievedStream } from 'securestore';
import type { Call } from '../call/call.ts';
import { deliverBytes, deliverToTerminal } from '../call/deliver.ts';
import { formatSize, infoRecord } from '../object/object-text.ts';
import { withNearKeys } from '../object/near-keys.ts';
import { withStore } from '../store/open.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { parseSince } from '../call/parse-time.ts';
import { parseRange } from '../call/parse-values.ts';
import { type Progress, startProgress } from '../terminal/progress.ts';
import { refusal, refuse, withHints } from '../errors/refuse.ts';
import { formatBytes, printable } from '../terminal/terminal-text.ts';

export interface GetOptions {
  readonly output?: string;
  readonly versionId?: string;
  readonly at?: string;
  readonly range?: string;
}

/** Names of the standard output: what it goes to must not be replaced like a file of that name. */
const STDOUT_NAMES: ReadonlySet<string> = new Set(['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1']);

/** The most data in bytes that a JSON line holds. */
export const MAX_JSON_BYTES: number = 64 * 1024 * 1024;

/** `securestore get`. */
export async function get(call: Call<GetOptions>, key: string): Promise<void> {
  parseStoreKey(key);
  const options = rangeOptions(call);
  if (call.options.output === '') refuse('--output must name a file, got ""');
  await withStore(call, async (store) => {
    const retrieve = (): Promise<RetrievedStream> => store.retrieveStream(key, { ...options, signal: call.cli.signal });
    // That an object has no such version says nothing of its key.
    const isCurrent = options.version === undefined && options.at === undefined;
    const retrieved = await (isCurrent ? withNearKeys(call, store, key, retrieve) : withVersions(key, retrieve));
    const totalBytes = options.start === undefined && options.end === undefined ? retrieved.info.size : undefined;
    using progress = startProgress(call.cli, 'retrieved', { totalBytes });
    const isOwn = await ownFiles(store.url);
    await deliver(call, key, retrieved, progress, isOwn);
  });
}

/** Calls `retrieve`. If an object has no such version, the error says how to list those that it has. */
async function withVersions<T>(key: string, retrieve: () => Promise<T>): Promise<T> {
  try {
    return await retrieve();
  } catch (error) {
    const isWrong = SecureStoreError.is(error, 'INVALID_ARGUMENT') || SecureStoreError.is(error, 'NOT_FOUND');
    if (!isWrong || error.key !== key) throw error;
    throw withHints(error, { text: 'to list its versions, for --version-id', on: ['history', key] });
  }
}

function rangeOptions({ cli, options }: Call<GetOptions>): RangeOptions {
  const { versionId: version, at, range } = options;
  return {
    ...(version === undefined ? {} : { version }),
    ...(at === undefined ? {} : { at: parseSince('--at', at, cli.now()) }),
    ...(range === undefined ? {} : parseRange(range)),
  };
}

async function deliver(
  call: Call<GetOptions>,
  key: string,
  found: RetrievedStream,
  progress: Progress,
  isOwn: (path: string) => boolean,
): Promise<void> {
  const { cli, out, options } = call;
  const stream = progress.counted(found.stream);
  const output = options.output !== undefined && STDOUT_NAMES.has(options.output) ? '-' : options.output;
  if ((output === undefined || output === '-') && out.json) return await deliverJson(call, found, stream);
  if (output === undefined && cli.stdout.isTTY === true)
    return await deliverToTerminal(call, stream, 'use -o FILE, or -o - to print it anyway');
  if (output === undefined || output === '-') return await deliverBytes(call, stream);
  await writeOutputFile(output, stream, cli.random, isOwn);
  progress.clear();
  await out.result({ ...infoRecord(found.info), output }, () => {
    return `wrote ${printable(output)}: ${printable(key)}, ${formatSize(found.info.size)}, version ${found.info.version}`;
  });
}

async function deliverJson({ out }: Call, { info }: RetrievedStream, stream: ByteSource): Promise<void> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > MAX_JSON_BYTES) {
      throw refusal('TOO_LARGE', `the data is larger than ${formatBytes(MAX_JSON_BYTES)}, the most for --json`, {
        hints: [{ text: 'to write it to a file, give -o FILE' }],
      });
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64';
  await out.result({ ...infoRecord(info), encoding, data: bytes.toString(encoding) }, () => []);
}
