import type { ListEntry, ListOptions, ListResult } from '@securestore/backend-api';
import type { BlobItem, ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob';
import { SecureStoreError } from '@securestore/core-format';
import type { Call, Connection } from '../connection/connection.ts';
import { strangeAnswer } from '../connection/errors.ts';
import { blobName, keyOf } from '../connection/names.ts';

/** The most entries of one page. */
const PAGE_ENTRIES = 1_000;
/** How many scans may run at once before the first has to find its position again. */
const MAX_MARKERS = 64;

/** Lists the blobs of a store in the order of their keys. */
export class Lister {
  readonly #connection: Connection;
  readonly #prefix: string;
  /**
   * Where the service said that it goes on after the last key of a page. Whoever pages on gets there by it at once, also
   * on a server that does not know `startFrom`.
   */
  readonly #markers = new Map<string, string>();

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  async list(call: Call, prefix: string, { after, limit = PAGE_ENTRIES }: ListOptions): Promise<ListResult> {
    const names = blobName(this.#prefix, prefix);
    const place = after === undefined ? undefined : blobName(this.#prefix, after);
    // All names that begin with the prefix are on one side of a name that does not.
    const inside = place?.startsWith(names) === true;
    if (place !== undefined && place > names && !inside) return { entries: [], more: false };
    const start = inside ? place : undefined;
    const most = Math.min(limit, PAGE_ENTRIES);
    let marker = start === undefined ? undefined : this.#markers.get(markerId(names, start));
    // A page may be empty, or hold nothing of ours, or begin too early if a server does not know `startFrom`.
    for (;;) {
      const from = marker === undefined ? start : undefined;
      const answer = await this.#page(call, {
        prefix: names,
        from,
        marker,
        most: from === undefined ? most : most + 1,
      });
      const { blobItems } = answer.segment;
      checkOrder(call, blobItems);
      const later = blobItems.filter(({ name }) => start === undefined || name > start);
      const entries = this.#entries(call, later);
      marker = answer.continuationToken || undefined;
      if (entries.length <= most && marker !== undefined) this.#remember(names, entries.at(-1)?.key, marker);
      const more = marker !== undefined || entries.length > most;
      if (entries.length > 0 || !more) return { entries: entries.slice(0, most), more };
    }
  }

  async #page(
    call: Call,
    {
      prefix,
      from,
      marker,
      most,
    }: { prefix: string; from?: string | undefined; marker?: string | undefined; most: number },
  ): Promise<ContainerListBlobFlatSegmentResponse> {
    return this.#connection.run(call, async (abortSignal) => {
      const options = { abortSignal, prefix, ...(from === undefined ? {} : { startFrom: from }) };
      const settings = { maxPageSize: most, ...(marker === undefined ? {} : { continuationToken: marker }) };
      const { value, done } = await this.#connection.container.listBlobsFlat(options).byPage(settings).next();
      if (done === true || value.segment?.blobItems === undefined) throw strangeAnswer(call);
      return value;
    });
  }

  #entries(call: Call, items: readonly BlobItem[]): ListEntry[] {
    return items.flatMap(({ name, properties: { contentLength, lastModified } }) => {
      const key = keyOf(this.#prefix, name);
      if (key === undefined) return [];
      if (contentLength === undefined || lastModified === undefined) throw strangeAnswer(call);
      return [{ key, size: contentLength, modified: lastModified.getTime() }];
    });
  }

  #remember(names: string, last: string | undefined, marker: string): void {
    if (last === undefined) return;
    const [oldest] = this.#markers.keys();
    if (this.#markers.size >= MAX_MARKERS && oldest !== undefined) this.#markers.delete(oldest);
    this.#markers.set(markerId(names, blobName(this.#prefix, last)), marker);
  }
}

function markerId(prefix: string, last: string): string {
  return `${prefix}\n${last}`;
}

/** @throws SecureStoreError `UNSUPPORTED` if names come in another order, as those of a hierarchical namespace do */
function checkOrder({ site }: Call, items: readonly BlobItem[]): void {
  for (const [index, { name }] of items.entries()) {
    const before = items[index - 1]?.name;
    if (before === undefined || before < name) continue;
    throw hierarchical(site);
  }
}

/** The error for an account whose names are paths of a file system. */
export function hierarchical(site: Call['site']): SecureStoreError {
  return new SecureStoreError(
    'UNSUPPORTED',
    'azure: the account has a hierarchical namespace, which lists in another order and keeps folders',
    { ...site, advice: [{ id: 'choose-store-url' }] },
  );
}
