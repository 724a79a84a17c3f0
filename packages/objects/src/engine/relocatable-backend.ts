import type { BatchOperation, StorageBackend, WriteResult } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** Thrown inside: the store has moved since something began that must be all in one place. */
export class BackendMoved extends Error {}

/** The backend of a store that may move to another one while it is open. */
export class RelocatableBackend {
  #current: StorageBackend;
  readonly #left: StorageBackend[] = [];
  #pinned: StorageBackend;
  /** How often the store has moved since it was opened. */
  epoch = 0;
  /**
   * What the parts of the engine use, at any store URL of the store. Its etags name their URL: one from before a move never holds
   * after it.
   */
  readonly backend: StorageBackend;

  /** Without credentials. */
  url: string;

  constructor(first: StorageBackend, url: string) {
    this.#current = first;
    this.url = url;
    this.backend = view(
      () => this.#current,
      () => this.epoch,
      () => undefined,
    );
    this.backend.close = () => this.#close();
    this.#pinned = this.#pin();
  }

  /** The backend as long as the store stays there: then each of its calls throws {@link BackendMoved}. */
  get pinned(): StorageBackend {
    return this.#pinned;
  }

  /** Where the store was before, the last place first. */
  get left(): readonly StorageBackend[] {
    return this.#left.toReversed();
  }

  /** From now on the store is there. Requests that are under way end where they began. */
  moveTo(next: StorageBackend, url: string): void {
    this.#left.push(this.#current);
    this.#current = next;
    this.url = url;
    this.epoch += 1;
    adoptOptional(
      this.backend,
      () => next,
      this.epoch,
      () => undefined,
    );
    this.#pinned = this.#pin();
  }

  /** An etag of the backend where the store is, as {@link backend} shows it. */
  mark(etag: string): string {
    return marked(this.epoch, etag);
  }

  #pin(): StorageBackend {
    const { epoch } = this;
    const current = this.#current;
    const check = (): void => {
      if (this.epoch !== epoch) throw new BackendMoved();
    };
    return view(
      () => current,
      () => epoch,
      check,
    );
  }

  async #close(): Promise<void> {
    for (const backend of [this.#current, ...this.#left]) await backend.close();
  }
}

const marked = (epoch: number, etag: string): string => `${epoch} ${etag}`;

/** The etag at the backend. @throws SecureStoreError `CONFLICT` if it is of a place that the store has left */
function etagFor(epoch: number, etag: string, index?: number): string {
  const prefix = `${epoch} `;
  if (etag.startsWith(prefix)) return etag.slice(prefix.length);
  throw new SecureStoreError('CONFLICT', 'the store has moved since the object was read', { index });
}

const withMark = <T extends { readonly etag?: string }>(epoch: number, found: T): T =>
  found.etag === undefined ? found : { ...found, etag: marked(epoch, found.etag) };

function forBackend<O extends { readonly ifMatch?: string | undefined }>(epoch: number, options: O, index?: number): O {
  return options.ifMatch === undefined ? options : { ...options, ifMatch: etagFor(epoch, options.ifMatch, index) };
}

/** @param check called before each call, in one go with it */
function view(current: () => StorageBackend, at: () => number, check: () => void): StorageBackend {
  const shown: StorageBackend = {
    get name() {
      return current().name;
    },
    get capabilities() {
      return current().capabilities;
    },
    init: (config) => current().init(config),
    async read(key, options) {
      check();
      const epoch = at();
      const found = await current().read(key, options);
      return found && withMark(epoch, found);
    },
    async write(key, body, options = {}) {
      check();
      const epoch = at();
      return withMark(epoch, await current().write(key, body, forBackend(epoch, options)));
    },
    async delete(key, options = {}) {
      check();
      await current().delete(key, forBackend(at(), options));
    },
    async list(prefix, options) {
      check();
      return current().list(prefix, options);
    },
    close: () => current().close(),
  };
  adoptOptional(shown, current, at(), check);
  return shown;
}

function adoptOptional(shown: StorageBackend, current: () => StorageBackend, epoch: number, check: () => void): void {
  const inner = current();
  delete shown.batch;
  delete shown.deleteMany;
  delete shown.capacity;
  delete shown.localPath;
  delete shown.resetClock;
  if (inner.batch !== undefined) {
    shown.batch = async (operations, options) => {
      check();
      const own = operations.map((operation, index): BatchOperation => forBackend(epoch, operation, index));
      const results = await inner.batch?.(own, options);
      return (results ?? []).map((result): WriteResult | undefined => result && withMark(epoch, result));
    };
  }
  if (inner.deleteMany !== undefined) {
    shown.deleteMany = async (keys, options) => {
      check();
      await inner.deleteMany?.(keys, options);
    };
  }
  if (inner.capacity !== undefined) shown.capacity = inner.capacity.bind(inner);
  if (inner.localPath !== undefined) shown.localPath = inner.localPath.bind(inner);
  if (inner.resetClock !== undefined) shown.resetClock = inner.resetClock.bind(inner);
}
