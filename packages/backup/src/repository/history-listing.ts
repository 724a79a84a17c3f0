import { AREAS, historyPrefix, splitUnderToken } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';

/**
 * The names of past versions, listed once while objects are visited in the order of their tokens; for those out of order, asked for one
 * by one.
 */
export class HistoryListing {
  readonly #area: BackupArea;
  readonly #signal: AbortSignal | undefined;
  #listing: AsyncGenerator<{ readonly key: string }> | undefined;
  /** The next name of the listing; `undefined` at its end. */
  #next: string | undefined;
  #last = '';

  constructor(area: BackupArea, signal: AbortSignal | undefined) {
    this.#area = area;
    this.#signal = signal;
  }

  /** The names of an object's past versions, as they were listed; to be asked for in the order of tokens. */
  async inOrder(token: string): Promise<string[]> {
    if (token <= this.#last) return this.of(token);
    this.#last = token;
    if (this.#listing === undefined) await this.#advance();
    const found: string[] = [];
    for (; this.#next !== undefined; await this.#advance()) {
      const other = splitUnderToken(AREAS.history, this.#next)?.token ?? '';
      if (other > token) break;
      if (other === token) found.push(this.#next);
    }
    return found;
  }

  /** The same as they are now. */
  async of(token: string): Promise<string[]> {
    return Array.fromAsync(this.#area.entries(historyPrefix(token), { signal: this.#signal }), ({ key }) => key);
  }

  async #advance(): Promise<void> {
    this.#listing ??= this.#area.entries(AREAS.history, { signal: this.#signal });
    const { done, value } = await this.#listing.next();
    this.#next = done === true ? undefined : value.key;
  }
}
