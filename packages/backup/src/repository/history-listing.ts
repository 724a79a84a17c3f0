import { AREAS, historyPrefix, splitUnderToken } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';

/**
 * The names of past versions, listed once while objects are visited in the order of their tokens; for those out of order, asked for one
 * by one.
 */
export class HistoryNames {
  readonly #area: BackupArea;
  readonly #signal: AbortSignal | undefined;
  #names: string[] = [];
  #at = 0;
  #after: string | undefined;
  #isAtEnd = false;
  #last = '';

  constructor(area: BackupArea, signal: AbortSignal | undefined) {
    this.#area = area;
    this.#signal = signal;
  }

  /** The names of an object's past versions, as they were listed; to be asked for in the order of tokens. */
  async inOrder(token: string): Promise<string[]> {
    if (token <= this.#last) return this.of(token);
    this.#last = token;
    const found: string[] = [];
    for (;;) {
      const name = this.#names[this.#at] ?? (await this.#nextPage());
      if (name === undefined) return found;
      const other = splitUnderToken(AREAS.history, name)?.token ?? '';
      if (other > token) return found;
      this.#at += 1;
      if (other === token) found.push(name);
    }
  }

  /** The same as they are now. */
  async of(token: string): Promise<string[]> {
    return Array.fromAsync(this.#area.entries(historyPrefix(token), { signal: this.#signal }), ({ key }) => key);
  }

  async #nextPage(): Promise<string | undefined> {
    if (this.#isAtEnd) return undefined;
    const options = this.#after === undefined ? { signal: this.#signal } : { after: this.#after, signal: this.#signal };
    const page = await this.#area.list(AREAS.history, options);
    this.#names = page.entries.map(({ key }) => key);
    this.#at = 0;
    this.#after = this.#names.at(-1);
    this.#isAtEnd = !page.more;
    return this.#names[0];
  }
}
