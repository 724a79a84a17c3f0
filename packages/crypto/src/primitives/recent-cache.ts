/**
 * A map of bounded size: remembers the entries that were used most recently, up to a weight of `size` together, and at most as
 * much of others. Without `weigh` every entry weighs 1.
 *
 * In two generations, of which the older one is dropped whole: a `Map` that loses its first entry again and again walks
 * over all the gaps at its front each time.
 */
export class RecentCache<K, V> {
  readonly #size: number;
  readonly #weigh: (value: V) => number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  /** The weight of the young ones. */
  #weight = 0;

  constructor(size: number, weigh: (value: V) => number = () => 1) {
    this.#size = size;
    this.#weigh = weigh;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    this.#weight += this.#weigh(value) - this.#weightOf(key);
    this.#young.set(key, value);
    if (this.#weight < this.#size) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#weight = 0;
  }

  delete(key: K): void {
    this.#weight -= this.#weightOf(key);
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#weight = 0;
  }

  /** What `key` adds to the weight of the young ones. */
  #weightOf(key: K): number {
    const known = this.#young.get(key);
    return known === undefined ? 0 : this.#weigh(known);
  }
}
