import { SecureStoreError } from '@securestore/core-format';
import { endsAll, forEachConcurrently, isNotGranted } from '@securestore/migrate';
import type { ObjectInfo, SecureStore } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call.ts';
import { infoRecord } from '../object-text.ts';
import { withStore } from '../open.ts';
import { count, formatTable, formatTime, jsonLine } from '../terminal-text.ts';

export interface LsOptions {
  readonly long?: boolean;
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
export async function ls(call: Call<LsOptions>, prefix: string | undefined): Promise<ExitCode> {
  if (prefix?.startsWith('/') === true) call.out.note('note: no name begins with /; leave it out');
  return await withStore<ExitCode>(call, (store) =>
    call.options.long === true ? long(call, store, prefix) : names(call, store, prefix),
  );
}

async function names({ cli, out }: Call, store: SecureStore, prefix: string | undefined): Promise<void> {
  const keys = await store.list(prefix, { signal: cli.signal });
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

async function long(call: Call, store: SecureStore, prefix: string | undefined): Promise<ExitCode> {
  const { cli, out } = call;
  const keys = await store.list(prefix, { signal: cli.signal });
  const rows: { readonly name: Buffer; readonly cells: readonly string[] }[] = [];
  let failed = 0;
  const leftOut = { denied: 0, unapproved: 0 };
  // A list of names alone has what has expired, until it is collected; what is gone is in neither.
  const addExpired = async (key: string): Promise<void> => {
    const [newest] = await store.history(key, { signal: cli.signal }).catch(() => []);
    if (newest?.expired !== true) return;
    const { version, modified, size } = newest;
    if (out.json) await out.result({ key, version, modified, size, expired: true }, () => []);
    else
      rows.push({ name: Buffer.from(key), cells: [String(size), formatTime(modified), 'expired', '', out.name(key)] });
  };
  await forEachConcurrently(keys, READS_AT_ONCE, async (key) => {
    if (out.closed()) return;
    try {
      const info = await store.info(key, { signal: cli.signal });
      if (out.json) await out.result(infoRecord(info), () => []);
      else rows.push({ name: Buffer.from(key), cells: row(info, out.name) });
    } catch (error) {
      if (isNotGranted(error)) leftOut[error.approvals === undefined ? 'denied' : 'unapproved'] += 1;
      else if (SecureStoreError.is(error, 'NOT_FOUND')) await addExpired(key);
      else {
        passOver(call, key, error);
        failed += 1;
      }
    }
  });
  const sorted = rows.toSorted((a, b) => Buffer.compare(a.name, b.name)).map(({ cells }) => cells);
  if (!out.json) await out.result({}, () => formatTable(COLUMNS, sorted));
  const { denied, unapproved } = leftOut;
  if (denied > 0) out.note(`left out: ${count(denied, 'object')} of which more than the name was not granted to you`);
  if (unapproved > 0) {
    out.note(`left out: ${count(unapproved, 'object')} of which it takes the approval of a second person to see more`);
  }
  return failed === 0 ? 0 : SOME_FAILED;
}

/** Says of an object that it can't be read; what ends the whole listing is thrown. */
function passOver({ cli, out, verb }: Call, key: string, error: unknown): void {
  if (!SecureStoreError.is(error) || endsAll(error.code) || cli.signal.aborted) throw error;
  out.error(error, { operation: verb, subject: key });
}
