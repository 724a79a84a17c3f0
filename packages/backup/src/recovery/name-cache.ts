import { RecentCache } from '@securestore/crypto';

/** How many names are kept; and up to as many again of those that were used before. */
const MAX_NAMES = 100_000;

/** Names by their tokens: opening one takes longer than looking for it. They are the same at each moment. */
export class KnownNames {
  readonly #names = new RecentCache<string, string>(MAX_NAMES);

  /** @param open asked where a name is not known; `undefined` where nothing tells it any more */
  async of(token: string, open: () => string | undefined | Promise<string | undefined>): Promise<string | undefined> {
    const known = this.#names.get(token);
    if (known !== undefined) return known;
    const name = await open();
    if (name !== undefined) this.#names.set(token, name);
    return name;
  }

  clear(): void {
    this.#names.clear();
  }
}
