/**
 * Etags as they can be of the least use: small numbers, counted for each name, so that those of one place are those of the other. What it
 * takes to tell them apart is to be taken by the store.
 */
export class Etags {
  readonly #seen = new Map<string, string[]>();

  shown<T extends { readonly etag?: string }>(key: string, found: T): T {
    const { etag } = found;
    if (etag === undefined) return found;
    const seen = this.#seen.get(key) ?? [];
    this.#seen.set(key, seen);
    if (!seen.includes(etag)) seen.push(etag);
    return { ...found, etag: String(seen.indexOf(etag)) };
  }

  own<O extends { readonly ifMatch?: string | undefined }>(key: string, options: O): O {
    if (options.ifMatch === undefined) return options;
    return { ...options, ifMatch: this.#seen.get(key)?.[Number(options.ifMatch)] ?? 'none' };
  }
}
