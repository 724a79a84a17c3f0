import { AREAS, historyPrefix, parseStoreKey, tokenOf } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';

/** So many names of versions are read by one request. */
const PAGE = 1000;

/** Which objects of a store have older versions, by listings of the histories that answer for many objects: most restores are in their order. */
export class KeptHistories {
  readonly #area: Pick<BackupArea, 'list' | 'names'>;
  readonly #signal: AbortSignal | undefined;
  /** The last page: all names after `from` and up to `to`; `undefined` for all that follow. */
  #page: { readonly from: string; readonly to: string | undefined; readonly tokens: ReadonlySet<string> } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(area: Pick<BackupArea, 'list' | 'names'>, signal: AbortSignal | undefined) {
    this.#area = area;
    this.#signal = signal;
  }

  /** Whether the store has older versions of an object, as of a moment ago. @throws SecureStoreError what listing throws */
  has(key: string): Promise<boolean> {
    const token = this.#area.names.tokenOf(parseStoreKey(key));
    const found = this.#turn.then(() => this.#look(token));
    this.#turn = found.catch(() => undefined);
    return found;
  }

  async #look(token: string): Promise<boolean> {
    const prefix = historyPrefix(token);
    const known = this.#page;
    if (known !== undefined && prefix >= known.from && (known.to === undefined || prefix < known.to))
      return known.tokens.has(token);
    const { entries, more } = await this.#area.list(AREAS.history, {
      after: prefix,
      limit: PAGE,
      ...(this.#signal && { signal: this.#signal }),
    });
    const tokens = new Set(entries.map(({ key }) => tokenOf(key)).filter((one) => one !== undefined));
    this.#page = { from: prefix, to: more ? entries.at(-1)?.key : undefined, tokens };
    return tokens.has(token);
  }
}
