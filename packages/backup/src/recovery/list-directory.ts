import { pastFolder } from '@securestore/objects/internal';
import type { Source } from './source.ts';
import { takeTurns } from './source.ts';

/** Names that are passed over one by one before it is looked for what comes after them all. */
const PASSED_ONE_BY_ONE = 64;

/** Something in a folder: an object, or with `/` at its end another folder. */
export interface Child {
  readonly key: string;
  /** Where looking goes on after it. */
  readonly token: string;
}

/** What is looked for in a folder. */
export interface ChildrenOptions {
  /** The folder, and perhaps what names in it begin with. */
  readonly prefix: string;
  /** Whether somebody may know of a name. */
  readonly sees: (key: string) => boolean;
  /** A token. */
  readonly after?: string | undefined;
  /** How many children, and how many names are looked at, at most. */
  readonly most: number;
  readonly steps: number;
  readonly signal: AbortSignal | undefined;
}

export interface Children {
  readonly children: readonly Child[];
  /** Where to go on; absent where that was all. */
  readonly next?: string;
}

/** Looks through a folder, and not through the folders in it: of each the first name that may be seen is enough. */
class Walk {
  readonly #source: Source;
  readonly #options: ChildrenOptions;
  readonly #folder: string;
  readonly #within: string;
  readonly #folders = new Set<string>();
  readonly #children: Child[] = [];
  #left: number;

  constructor(source: Source, options: ChildrenOptions) {
    const { prefix, steps } = options;
    this.#source = source;
    this.#options = options;
    this.#folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    this.#within = source.names.folderOf(prefix);
    this.#left = steps;
  }

  async run(): Promise<Children> {
    const { after = this.#within } = this.#options;
    let from: string | undefined = after;
    while (from !== undefined) {
      const begun: string = from;
      const end: Children | string | undefined = await this.#pass(begun);
      if (typeof end === 'object') return end;
      from = end;
    }
    return { children: this.#children };
  }

  /** One pass. @returns where another one begins, what was found where that is enough, or `undefined` at the end */
  async #pass(from: string): Promise<Children | string | undefined> {
    const { most, signal } = this.#options;
    let [last, past, passed] = [from, '', 0];
    for await (const item of this.#source.items(from, signal)) {
      if (!item.token.startsWith(this.#within)) return undefined;
      if (this.#left-- <= 0) return { children: this.#children, next: past > last ? past : last };
      last = item.token;
      await takeTurns(this.#left);
      if (item.token <= past) {
        passed += 1;
        if (passed > PASSED_ONE_BY_ONE) return past;
        continue;
      }
      const name = item.isThere ? await item.name(signal) : undefined;
      if (name === undefined) continue;
      const isDone = this.#take(name, item.token);
      if (isDone === 'past') [past, passed] = [pastFolder(item.token, this.#within) ?? item.token, 0];
      if (this.#children.length >= most) {
        return { children: this.#children, next: this.#children.at(-1)?.token ?? item.token };
      }
    }
    return undefined;
  }

  /** @returns `past` where nothing else in the same folder is of interest */
  #take(name: string, token: string): 'past' | undefined {
    const { prefix, sees } = this.#options;
    // Asked first: how far a page gets must not tell what names begin with that may not be seen.
    if (!sees(name)) return undefined;
    const rest = name.slice(this.#folder.length);
    const slash = rest.indexOf('/');
    if (!name.startsWith(prefix)) return name.startsWith(this.#folder) && slash !== -1 ? 'past' : undefined;
    if (slash === -1) {
      this.#children.push({ key: name, token });
      return undefined;
    }
    const key = this.#folder + rest.slice(0, slash + 1);
    if (this.#folders.has(key)) return 'past';
    this.#folders.add(key);
    this.#children.push({ key, token: pastFolder(token, this.#within) ?? token });
    return 'past';
  }
}

/** What lies in a folder at a moment, in the order of the store, as far as the steps go. */
export function childrenOf(source: Source, options: ChildrenOptions): Promise<Children> {
  return new Walk(source, options).run();
}
