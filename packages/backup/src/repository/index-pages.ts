import type { IndexEntry, IndexPage } from '@securestore/core-format';
import {
  decodeIndexPage,
  encodeIndexPage,
  indexEntryLength,
  indexPageName,
  MAX_INDEX_PAGE_BYTES,
  sha256,
} from '@securestore/core-format';
import { digestWhole, RecentCache } from '@securestore/crypto';
import type { BackupSeals } from '@securestore/objects/internal';
import type { Destination } from './destination.ts';
import { damagedFile, decodingFile } from './errors.ts';
import { readOnce, checkDigest, readWhole, writeOnce } from './files.ts';

/** One object in so many ends its page, on average. */
const OBJECTS_PER_PAGE = 512;
const CACHED_PAGES = 64;

/** All versions of one object that an index has, the newest first. */
export interface Versions {
  readonly token: string;
  readonly entries: readonly IndexEntry[];
}

/** Reads pages of indexes, and keeps the last ones. */
export class IndexPages {
  readonly #destination: Destination;
  readonly #seals: BackupSeals;
  readonly #cache = new RecentCache<string, Promise<IndexEntry[]>>(CACHED_PAGES);

  constructor(destination: Destination, seals: BackupSeals) {
    this.#destination = destination;
    this.#seals = seals;
  }

  /** The entries of a page. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws */
  read(page: IndexPage, signal?: AbortSignal): Promise<IndexEntry[]> {
    const name = indexPageName(page);
    return readOnce(this.#cache, name, () => decodingFile(() => this.#read(name, page, signal)));
  }

  async #read(name: string, page: IndexPage, signal: AbortSignal | undefined): Promise<IndexEntry[]> {
    const body = await readWhole(this.#destination.backend, name, signal);
    checkDigest(name, body, page.digest);
    // Sealed under a name that holds no digest of what it is: that would have to be known before.
    const plaintext = await this.#seals.open('backupPage', this.#destination.id, PAGE_CONTEXT, body, signal);
    const entries = decodeIndexPage(plaintext);
    if (entries.length !== page.count || entries[0]?.token !== page.firstToken) {
      throw damagedFile(name, 'its entries are not those that its snapshot names');
    }
    return entries;
  }
}

/** Pages are bound to their destination by it, and to their place by the digest in their point. */
const PAGE_CONTEXT = 'x/';

/** Cuts entries into pages and writes them. Where a page ends depends on tokens alone, so that a change stays within its page. */
export class IndexWriter {
  readonly #destination: Destination;
  readonly #seals: BackupSeals;
  readonly #epoch: number;
  readonly #signal: AbortSignal | undefined;
  #entries: IndexEntry[] = [];
  #length = 0;
  readonly pages: IndexPage[] = [];

  constructor(destination: Destination, seals: BackupSeals, epoch: number, signal: AbortSignal | undefined) {
    this.#destination = destination;
    this.#seals = seals;
    this.#epoch = epoch;
    this.#signal = signal;
  }

  /** Whether a page can be taken as it is at this place. */
  get atBoundary(): boolean {
    return this.#entries.length === 0;
  }

  take(page: IndexPage): void {
    this.pages.push(page);
  }

  /** Adds the versions of the next object. */
  async add({ token, entries }: Versions): Promise<void> {
    for (const entry of entries) {
      const length = indexEntryLength(entry);
      if (this.#length + length > MAX_INDEX_PAGE_BYTES - 1024) await this.#flush();
      this.#entries.push(entry);
      this.#length += length;
    }
    if (entries.length > 0 && this.#endsPage(token)) await this.#flush();
  }

  /** To be called after the last object. */
  async finish(): Promise<IndexPage[]> {
    await this.#flush();
    return this.pages;
  }

  /** Keyed, so that a caller who chooses names can't choose where pages end. */
  #endsPage(token: string): boolean {
    const hash = digestWhole(this.#seals.keys.digest, Buffer.from(`x/${token}`, 'latin1'));
    return hash.readUInt32BE(0) % OBJECTS_PER_PAGE === 0;
  }

  async #flush(): Promise<void> {
    const [first] = this.#entries;
    if (first === undefined) return;
    const count = this.#entries.length;
    const plaintext = encodeIndexPage(this.#entries);
    this.#entries = [];
    this.#length = 0;
    const { backend, id } = this.#destination;
    const body = this.#seals.seal('backupPage', id, PAGE_CONTEXT, plaintext);
    const page = { firstToken: first.token, epoch: this.#epoch, digest: sha256(body), count };
    await writeOnce(backend, indexPageName(page), body, this.#signal, page.digest);
    this.pages.push(page);
  }
}
