import { SecureStoreError } from '@securestore/core-format';
import type { OpenOptions, SecureStorage, SecureStore } from 'securestore';
import { openStore } from 'securestore';

/** Nothing that an adapter serves leads to older versions, so a store that is made for one keeps none. */
const NO_HISTORY = { history: { versions: 0, days: 0 } } as const;

/** The store under an adapter: one that its caller lends, or one that is opened when it is first needed. */
export class StoreAccess {
  readonly #source: SecureStorage | (() => Promise<SecureStore>);
  #opened: Promise<SecureStore> | undefined;
  #closed = false;

  /**
   * @param store one that is open and stays the caller's, or a store URL
   * @param options of `openStore`, for a store URL. They are checked when it is opened
   * @throws SecureStoreError `INVALID_ARGUMENT` if options of `openStore` come with an open store
   */
  constructor(store: SecureStorage | string, options: Partial<OpenOptions>) {
    if (typeof store === 'string') {
      const settings = options.create === true ? { ...NO_HISTORY, ...options } : options;
      this.#source = () => openStore(store, settings as OpenOptions);
      return;
    }
    const [option] = Object.keys(options);
    if (option !== undefined) {
      const message = `the option "${option}" must be left out for a store that is open`;
      throw new SecureStoreError('INVALID_ARGUMENT', message, { option });
    }
    this.#source = store;
  }

  /**
   * The store. The next call tries to open it again if that failed for now, such as with `UNAVAILABLE`.
   *
   * @throws SecureStoreError what `openStore` throws; `UNAVAILABLE` after {@link close}
   */
  async get(): Promise<SecureStorage> {
    const source = this.#source;
    if (typeof source !== 'function') return source;
    if (this.#closed) throw new SecureStoreError('UNAVAILABLE', 'the adapter is disconnected from its store');
    const opening = (this.#opened ??= source());
    try {
      return await opening;
    } catch (error) {
      const passing = (error as Partial<SecureStoreError> | null)?.retryable === true;
      if (passing && this.#opened === opening) this.#opened = undefined;
      throw error;
    }
  }

  /** Closes what was opened here, for good; a store that is lent stays open, and in use. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    // Why it didn't open is what those learn who wanted it.
    const store = await this.#opened?.catch(() => undefined);
    await store?.close();
  }
}
