import { parseStoreKey } from '@securestore/core-format';
import type { HistoryEntry } from 'securestore';
import type { Call } from '../call.ts';
import { withStore } from '../open.ts';
import { formatTable, formatTime } from '../terminal-text.ts';

const COLUMNS = [
  { title: 'VERSION' },
  { title: 'MODIFIED' },
  { title: 'SIZE', align: 'right' },
  { title: 'STATE' },
] as const;

/** `securestore history`. */
export async function history(call: Call, key: string): Promise<void> {
  parseStoreKey(key);
  await withStore(call, async (store) => {
    await report(call, key, await store.history(key, { signal: call.cli.signal }));
  });
}

async function report({ out }: Call, key: string, entries: readonly HistoryEntry[]): Promise<void> {
  if (out.json) {
    for (const { version, modified, deleted, current, size } of entries) {
      await out.result({ key, version, modified, deleted, current, size }, () => []);
    }
    return;
  }
  const rows = entries.map(({ version, modified, deleted, current, size }) => [
    version,
    formatTime(modified),
    size === undefined ? '' : String(size),
    deleted ? 'deleted' : current ? 'current' : '',
  ]);
  await out.result({}, () => formatTable(COLUMNS, rows));
}
