import type { ListEntry } from '@securestore/backend-api';
import { AREAS, historyPrefix, historyVersion, SecureStoreError } from '@securestore/core-format';
import { originOf } from '../../record/open-record.ts';
import type { CurrentRecord } from './current-record.ts';
import type { Pass } from './pass.ts';
import { deleteEntries } from '../../record/sweep-blobs.ts';
import { prunable } from './retention.ts';
import type { TokenEntry } from './merge-listings.ts';

/** Removes the past versions of an object that are not kept. @param current of the object now */
export async function pruneHistory(
  { engine, floor, report, rules, signal }: Pass,
  token: string,
  current: CurrentRecord | undefined,
  entries: AsyncIterable<TokenEntry>,
): Promise<void> {
  const prefix = historyPrefix(token);
  const goes = prunable(rules, current, originOf(current?.opened));
  async function* beyond(): AsyncGenerator<ListEntry> {
    for await (const { entry } of entries) {
      const version = historyVersion(prefix, entry.key);
      if (version === undefined) {
        throw new SecureStoreError('INTEGRITY', 'the history holds a name that this store did not make');
      }
      if (!goes(version, entry.modified)) continue;
      await floor.cover(version, signal);
      yield entry;
    }
  }
  await deleteEntries(
    engine,
    beyond(),
    (count, bytes) => {
      report.versions += count;
      report.bytes += bytes;
    },
    signal,
  );
}

/** Whether anything is left of the past of an object. */
export async function hasHistory({ engine, signal }: Pass, token: string): Promise<boolean> {
  const page = await engine.backend.list(historyPrefix(token), { limit: 1, signal });
  return page.entries.length > 0;
}

/** The backend name of an object, for failures. */
export function nameOf(token: string): string {
  return AREAS.objects + token;
}
