import type { SecureStore, TrailEntry } from 'securestore';
import type { Cli } from '../terminal/cli-context.ts';
import { ifAllowed, isRemote } from '../store/served.ts';
import { watchWait } from '../terminal/wait-progress.ts';

/** How long after one look at the names of the store another one is worth it, in milliseconds. */
const AGAIN_AFTER = 60_000;

const textOf = (hash: Uint8Array): string => Buffer.from(hash).toString('base64url');

/** The hash by which an entry names an object that it does not name in clear. */
export function hashOf({ object }: TrailEntry): string | undefined {
  return object !== undefined && 'hash' in object ? `#${textOf(object.hash)}` : undefined;
}

/** A key, and every prefix of it that ends in `/`: listings are recorded by their prefix. */
function* withPrefixes(key: string): Generator<string> {
  yield key;
  for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) yield key.slice(0, at + 1);
}

/**
 * Tells the keys of objects whose entries have hashes of them: of those that are in the store now, which the owner may list. Whose
 * object is gone keeps its hash.
 */
export class AuditNames {
  readonly #cli: Cli;
  readonly #store: SecureStore;
  readonly #known = new Map<string, string>();
  #looked = -Infinity;

  /** @param keys that are looked for, whether they are in the store or not */
  constructor(cli: Cli, store: SecureStore, keys: readonly string[]) {
    this.#cli = cli;
    this.#store = store;
    if (!isRemote(store)) for (const key of keys) this.#learn(key);
  }

  #learn(key: string): void {
    this.#known.set(textOf(this.#store.audit.hashOf(key)), key);
  }

  /** Looks the names up if an entry has one that is not known, and the last look is a minute ago. */
  async lookUp(entries: readonly TrailEntry[]): Promise<void> {
    const now = this.#cli.now().getTime();
    const isMissing = entries.some((entry) => hashOf(entry) !== undefined && this.of(entry) === undefined);
    // A server names no objects that whoever asks may not see, and hashes none.
    if (!isMissing || isRemote(this.#store) || now - this.#looked < AGAIN_AFTER) return;
    this.#looked = now;
    const { signal } = this.#cli;
    const listing = ifAllowed(this.#store.list('', { signal }));
    const keys = (await watchWait(this.#cli, 'audit log: looking up the keys of objects', listing)) ?? [];
    const names = new Set(keys.flatMap((key) => [...withPrefixes(key)]));
    for (const name of names) this.#learn(name);
  }

  /** The key of the object that an entry is about, if the entry hides it and it is known. */
  of(entry: TrailEntry): string | undefined {
    return this.#known.get(hashOf(entry)?.slice(1) ?? '');
  }
}
