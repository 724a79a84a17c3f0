import type { IndexEntry, IndexPage } from '@securestore/core-format';
import { compareIndexEntries, indexPageName } from '@securestore/core-format';
import type { IndexSet } from './index-set.ts';
import type { Versions } from './index-pages.ts';
import type { HistoryRule } from './retained.ts';
import { retainedVersions } from './retained.ts';
import { timeOfVersion } from './version-time.ts';

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
export class MomentIndex implements IndexView {
  readonly #index: IndexSet;
  readonly #cut: Cut;

  constructor(index: IndexSet, cut: Cut) {
    this.#index = index;
    this.#cut = cut;
  }

  get pages(): readonly IndexPage[] {
    return this.#index.pages;
  }

  get wholePages(): readonly IndexPage[] {
    const settled = new Set(this.#cut.settled?.pages.map((page) => indexPageName(page)));
    return this.pages.filter((page) => settled.has(indexPageName(page)));
  }

  get changedTokens(): readonly string[] {
    return this.#index.changedTokens;
  }

  async get(token: string, signal?: AbortSignal): Promise<readonly IndexEntry[]> {
    return this.#cutOff(token, await this.#index.get(token, signal), signal);
  }

  async *objects(from = '', signal?: AbortSignal): AsyncGenerator<Versions> {
    for await (const { token, entries } of this.#index.objects(from, signal)) {
      yield { token, entries: await this.#cutOff(token, entries, signal) };
    }
  }

  async #cutOff(
    token: string,
    entries: readonly IndexEntry[],
    signal: AbortSignal | undefined,
  ): Promise<readonly IndexEntry[]> {
    const { until, settled, rule } = this.#cut;
    const isLater = ({ version }: IndexEntry): boolean => timeOfVersion(version) >= until;
    if (!entries.some(isLater)) return entries;
    // A later purge has also removed what was before it from the index of the point.
    const before = (await settled?.get(token, signal)) ?? [];
    const isBefore = (entry: IndexEntry): boolean => before.some((one) => compareIndexEntries(one, entry) === 0);
    return retainedVersions([...before, ...entries.filter((one) => !isLater(one) || isBefore(one))], rule);
  }
}
