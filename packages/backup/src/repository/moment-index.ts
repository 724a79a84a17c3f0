import type { IndexEntry } from '@securestore/core-format';
import { compareIndexEntries, indexPageName } from '@securestore/core-format';
import type { IndexSet } from './index-set.ts';
import type { HistoryRule } from './retained.ts';
import { retainedVersions, timeOfVersion } from './retained.ts';

/** What is read of an index. */
export type IndexView = Pick<IndexSet, 'get' | 'objects' | 'pages' | 'wholePages' | 'changedTokens'>;

/** What is left out of the index of a point. */
interface Cut {
  /** Versions that carry this time or a later one, in milliseconds since 1970. */
  readonly until: number;
  /** The index of a point before: what that has counts in any case. */
  readonly settled: IndexSet | undefined;
  readonly rule: HistoryRule;
}

/** The index of a point as it was at a moment before. */
export function indexBefore(index: IndexSet, { until, settled, rule }: Cut): IndexView {
  const isLater = ({ version }: IndexEntry): boolean => timeOfVersion(version) >= until;
  const cutOff = async (
    token: string,
    entries: readonly IndexEntry[],
    signal: AbortSignal | undefined,
  ): Promise<readonly IndexEntry[]> => {
    if (!entries.some(isLater)) return entries;
    // A later purge has also removed what was before it from the index of the point.
    const before = (await settled?.get(token, signal)) ?? [];
    const isBefore = (entry: IndexEntry): boolean => before.some((one) => compareIndexEntries(one, entry) === 0);
    return retainedVersions([...before, ...entries.filter((one) => !isLater(one) || isBefore(one))], rule);
  };
  return {
    pages: index.pages,
    get wholePages() {
      const whole = new Set(settled?.pages.map((page) => indexPageName(page)));
      return index.pages.filter((page) => whole.has(indexPageName(page)));
    },
    get changedTokens() {
      return index.changedTokens;
    },
    get: async (token, signal) => cutOff(token, await index.get(token, signal), signal),
    async *objects(from, signal) {
      for await (const { token, entries } of index.objects(from, signal)) {
        yield { token, entries: await cutOff(token, entries, signal) };
      }
    },
  };
}
