import { SecureStoreError } from '@securestore/core-format';
import { endsAll, forEachConcurrently, isNotGranted } from '@securestore/migrate/lazy';
import type { HistoryEntry, ObjectInfo, SecureStore } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { Commands } from '../errors/hints.ts';
import { refuse } from '../errors/refuse.ts';
import { infoRecord } from '../object/object-text.ts';
import { withStore } from '../store/open.ts';
import { count, formatTable, formatTime, jsonLine, printable } from '../terminal/terminal-text.ts';

export interface LsOptions {
  readonly long?: boolean;
  readonly tree?: boolean;
  readonly prefix?: string;
}

const COLUMNS = [
  { title: 'SIZE', align: 'right' },
  { title: 'MODIFIED' },
  { title: 'EXPIRES' },
  { title: 'CATEGORY' },
  { title: 'KEY' },
] as const;

const READS_AT_ONCE = 16;

/** A write for each name would be most of the time that a long list takes. */
const NAMES_AT_ONCE = 256;

/** `securestore ls`. */
export async function ls(call: Call<LsOptions>, operand: string | undefined): Promise<ExitCode> {
  const { cli, out, options } = call;
  if (operand !== undefined && options.prefix !== undefined) refuse('ls lists one prefix, and two are given');
  const prefix = operand ?? options.prefix;
  if (prefix?.startsWith('/') === true) out.note('note: no name begins with /; leave it out');
  return await withStore<ExitCode>(call, async (store) => {
    const keys = await store.list(prefix, { signal: cli.signal });
    if (keys.length === 0) {
      out.note(
        prefix === undefined || prefix === '' ? 'no keys' : `no keys under ${printable(JSON.stringify(prefix))}`,
      );
      if (prefix?.includes('*') === true) {
        const list = new Commands(call).on(['ls', ...(prefix.startsWith('*') ? [] : [prefix.replace(/\*[^]*$/, '')])]);
        out.note(printable(`ls takes a prefix, not a pattern: ${list}`));
      }
      return 0;
    }
    if (options.tree === true) return await tree(call, store, keys);
    if (options.long === true) return await long(call, store, keys);
    await names(call, keys);
    if (!out.closed()) out.note(count(keys.length, 'key'));
    return 0;
  });
}

async function names({ out }: Call, keys: readonly string[]): Promise<void> {
  for (let first = 0; first < keys.length && !out.closed(); first += NAMES_AT_ONCE) {
    const some = keys.slice(first, first + NAMES_AT_ONCE);
    const lines = some.map((key) => (out.json ? jsonLine({ key }) : out.name(key)));
    await out.bytes(Buffer.from(`${lines.join('\n')}\n`));
  }
}

function row({ key, size, modified, expires, category }: ObjectInfo, shown: (name: string) => string): string[] {
  const until = expires === undefined ? '' : formatTime(expires);
  return [String(size), formatTime(modified), until, shown(category), shown(key)];
}

/** Told of each object, and of each that has expired and is not collected yet. */
interface Readers {
  readonly onInfo: (info: ObjectInfo) => Promise<void>;
  readonly onExpired: (key: string, newest: HistoryEntry) => Promise<void>;
}

const leftOutText = (number: number): string => `${count(number, 'object')} ${number === 1 ? 'is' : 'are'} left out`;

/** Reads what is known of each object, and says what could not be read or was left out. */
async function readEach(
  call: Call,
  store: SecureStore,
  keys: readonly string[],
  { onInfo, onExpired }: Readers,
): Promise<ExitCode> {
  const { cli, out } = call;
  let failed = 0;
  const leftOut = { denied: 0, unapproved: 0 };
  await forEachConcurrently(keys, READS_AT_ONCE, async (key) => {
    if (out.closed()) return;
    try {
      await onInfo(await store.info(key, { signal: cli.signal }));
    } catch (error) {
      if (isNotGranted(error)) leftOut[error.approvals === undefined ? 'denied' : 'unapproved'] += 1;
      else if (SecureStoreError.is(error, 'NOT_FOUND')) {
        // A list of names alone has what has expired, until it is collected; what is gone is in neither.
        const [newest] = await store.history(key, { signal: cli.signal }).catch(() => []);
        if (newest?.expired === true) await onExpired(key, newest);
      } else {
        passOver(call, key, error);
        failed += 1;
      }
    }
  });
  const { denied, unapproved } = leftOut;
  if (denied > 0) out.note(`${leftOutText(denied)}: you may see ${denied === 1 ? 'its name' : 'their names'} only`);
  if (unapproved > 0) {
    out.note(`${leftOutText(unapproved)}: to see more than the key needs the approval of another principal`);
  }
  return failed === 0 ? 0 : SOME_FAILED;
}

async function long(call: Call, store: SecureStore, keys: readonly string[]): Promise<ExitCode> {
  const { out } = call;
  const rows: { readonly name: Buffer; readonly cells: readonly string[] }[] = [];
  const exitCode = await readEach(call, store, keys, {
    onInfo: async (info) => {
      if (out.json) await out.result(infoRecord(info), () => []);
      else rows.push({ name: Buffer.from(info.key), cells: row(info, out.name) });
    },
    onExpired: async (key, { version, modified, size }) => {
      if (out.json) await out.result({ key, version, modified, size, expired: true }, () => []);
      else
        rows.push({
          name: Buffer.from(key),
          cells: [String(size), formatTime(modified), 'expired', '', out.name(key)],
        });
    },
  });
  const sorted = rows.toSorted((a, b) => Buffer.compare(a.name, b.name)).map(({ cells }) => cells);
  if (!out.json) await out.result({}, () => formatTable(COLUMNS, sorted));
  if (!out.closed()) out.note(count(rows.length, 'key'));
  return exitCode;
}

async function tree(call: Call, store: SecureStore, keys: readonly string[]): Promise<ExitCode> {
  const { foldersOf, printTree, totalText } = await import('../object/key-tree.ts');
  const infos = new Map<string, Pick<ObjectInfo, 'size'>>();
  const exitCode = await readEach(call, store, keys, {
    onInfo: async (info) => void infos.set(info.key, info),
    onExpired: async (key, { size = 0 }) => void infos.set(key, { size }),
  });
  const root = foldersOf(keys, infos);
  await printTree(call, root);
  if (!call.out.closed()) call.out.note(totalText(root));
  return exitCode;
}

/** Says of an object that it can't be read; what ends the whole listing is thrown. */
function passOver({ cli, out, verb }: Call, key: string, error: unknown): void {
  if (!SecureStoreError.is(error) || endsAll(error.code) || cli.signal.aborted) throw error;
  out.error(error, { operation: verb, subject: key });
}
