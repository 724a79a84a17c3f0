import { SecureStoreError } from '@securestore/core-format';
import type { HistoryEntry, ObjectStore } from '@securestore/objects';
import { isNotFound, withFallback } from '../repository/errors.ts';
import { wholePoint } from '../trust/moment.ts';
import type { PooledBackup } from './open-backup-pool.ts';
import type { KeyTimeline, VersionThen } from './types.ts';

/** How many points are read for one key. */
const MAX_POINTS = 30;

type Known = Omit<VersionThen, 'to'> & { readonly to?: Date };

/** What a store keeps of a key; nothing if it never was. */
function historyIn(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<HistoryEntry[]> {
  return withFallback(isNotFound, [], () => store.history(key, { signal }));
}

function knownOf({ version, modified, deleted, purged, size }: HistoryEntry, from: Partial<Known>): Known {
  return {
    version,
    state: purged ? 'purged' : deleted ? 'deleted' : 'there',
    from: modified,
    ...(size !== undefined && { size }),
    inStore: false,
    ...from,
  };
}

/** Versions by themselves, from which of several places they are known. */
class Versions {
  readonly #known = new Map<string, Known>();

  add(entries: readonly HistoryEntry[], from: Partial<Known>): void {
    for (const entry of entries) {
      const before = this.#known.get(entry.version);
      this.#known.set(entry.version, knownOf(entry, { ...before, ...from, ...(before?.inStore && { inStore: true }) }));
    }
  }

  /** When the oldest was stored that is known, in milliseconds since 1970. */
  get oldest(): number {
    return Math.min(...[...this.#known.values()].map(({ from }) => from.getTime()), Infinity);
  }

  /** All of them, the newest first, each until the next one took its place. */
  list(): VersionThen[] {
    const inOrder = [...this.#known.values()].toSorted((a, b) => (a.version < b.version ? 1 : -1));
    return inOrder.map((one, at) => {
      const next = inOrder[at - 1];
      return next === undefined ? one : { ...one, to: next.from };
    });
  }
}

/** Reads points of a backup, each as old as the oldest known version. @returns whether there may be more versions */
async function lookBack(
  pooled: PooledBackup,
  key: string,
  versions: Versions,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let at: Date | undefined;
  for (let looked = 0; looked < MAX_POINTS; looked++) {
    const moment = await withFallback(isNotFound, undefined, () =>
      at === undefined ? pooled.backup.newest(signal) : pooled.backup.choose({ at }, signal),
    );
    // No point is so old.
    if (moment === undefined) return false;
    const { point, number, from } = moment;
    const { store } = await pooled.view(wholePoint(point), signal);
    const found = await historyIn(store, key, signal);
    versions.add(found, { snapshot: point.number });
    // A point may lack it though older ones have it.
    const before = Math.min(versions.oldest, from) - 1;
    if (found.length === 0 && versions.oldest > from && number === 1) return false;
    if (at !== undefined && before >= at.getTime()) return false;
    at = new Date(before);
  }
  return true;
}

/** The versions of a key over time, by what the store and a backup keep. @throws SecureStoreError `NOT_FOUND` if neither has one */
export async function keyTimeline(
  live: ObjectStore,
  pooled: PooledBackup | undefined,
  key: string,
  signal: AbortSignal | undefined,
): Promise<KeyTimeline> {
  const versions = new Versions();
  versions.add(await historyIn(live, key, signal), { inStore: true });
  const hasMore = pooled !== undefined && (await lookBack(pooled, key, versions, signal));
  const all = versions.list();
  if (all.length === 0)
    throw new SecureStoreError('NOT_FOUND', `object ${JSON.stringify(key)} is neither in the store nor in the backup`, {
      key,
    });
  const since = all.at(-1)?.from;
  return { key, versions: all, ...(since && { since }), hasMore };
}
