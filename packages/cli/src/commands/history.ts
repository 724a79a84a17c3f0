import { parseStoreKey } from '@securestore/core-format';
import type { HistoryEntry } from 'securestore';
import type { Call } from '../call/call.ts';
import { withNearKeys } from '../object/near-keys.ts';
import { withStore } from '../store/open.ts';
import { count, formatTable, formatTime } from '../terminal/terminal-text.ts';

const COLUMNS = [
  { title: 'VERSION' },
  { title: 'MODIFIED' },
  { title: 'SIZE', align: 'right' },
  { title: 'STATE' },
] as const;

const NEWEST_MISSING =
  'the newest version is missing, and the object was not deleted: restore it by securestore scrub --repair BACKUP';

export interface HistoryOptions {
  readonly backup?: string;
}

/** `securestore history`. */
export async function history(call: Call<HistoryOptions>, key: string): Promise<void> {
  parseStoreKey(key);
  const { backup } = call.options;
  if (backup !== undefined) return await (await import('./points.ts')).versions(call, key, backup);
  await withStore(call, async (store) => {
    const entries = await withNearKeys(call, store, key, () => store.history(key, { signal: call.cli.signal }));
    await report(call, key, entries);
  });
}

function stateOf({ deleted, purged, expired, current }: HistoryEntry): string {
  if (deleted) return purged ? 'purged' : 'deleted';
  return expired ? 'expired' : current ? 'current' : '';
}

async function report({ out }: Call, key: string, entries: readonly HistoryEntry[]): Promise<void> {
  if (out.json) {
    for (const { version, modified, deleted, purged, expired, current, size } of entries) {
      await out.result({ key, version, modified, deleted, purged, expired, current, size }, () => []);
    }
    return;
  }
  const rows = entries.map((entry) => [
    entry.version,
    formatTime(entry.modified),
    entry.size === undefined ? '' : String(entry.size),
    stateOf(entry),
  ]);
  await out.result({}, () => formatTable(COLUMNS, rows));
  out.note(count(rows.length, 'version'));
  if (entries.every(({ current }) => !current)) out.note(NEWEST_MISSING);
}
