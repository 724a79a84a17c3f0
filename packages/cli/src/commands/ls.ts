import type { ObjectInfo, SecureStore } from 'securestore';
import type { Call } from '../call.ts';
import { infoRecord } from '../object-text.ts';
import { withStore } from '../open.ts';
import { formatTable, formatTime, jsonLine } from '../terminal-text.ts';

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

/** A write for each name would be most of the time that a long list takes. */
const NAMES_AT_ONCE = 256;

/** `securestore ls`. */
export async function ls(call: Call<LsOptions>, prefix: string | undefined): Promise<void> {
  if (prefix?.startsWith('/') === true) call.out.note('note: no name begins with /; leave it out');
  await withStore(call, (store) =>
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

async function long({ cli, out }: Call, store: SecureStore, prefix: string | undefined): Promise<void> {
  const rows: { readonly name: Buffer; readonly cells: readonly string[] }[] = [];
  for await (const info of store.entries(prefix, { signal: cli.signal })) {
    if (out.closed()) return;
    if (out.json) await out.result(infoRecord(info), () => []);
    else rows.push({ name: Buffer.from(info.key), cells: row(info, out.name) });
  }
  if (out.json) return;
  const sorted = rows.toSorted((a, b) => Buffer.compare(a.name, b.name));
  await out.result({}, () =>
    formatTable(
      COLUMNS,
      sorted.map(({ cells }) => cells),
    ),
  );
}
