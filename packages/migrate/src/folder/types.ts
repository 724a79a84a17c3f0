import type { ErrorCode, SecureStoreError } from '@securestore/core-format';
import type { CallOptions, SecureStorage } from '@securestore/objects';

/** What is imported into: a store, or a session of one. */
export interface ImportTarget extends Pick<SecureStorage, 'info' | 'matches' | 'store'> {
  /** The URL of the store: its own files are not imported. */
  readonly url?: string | undefined;
}

/** What is exported from: a store, a session of one, or a snapshot. Without `info` and `matches` each object is read, once, to be compared. */
export interface ExportSource
  extends Pick<SecureStorage, 'list' | 'retrieveStream'>, Partial<Pick<SecureStorage, 'info' | 'matches'>> {
  /** The URL of the store: its own files are not written to. */
  readonly url?: string | undefined;
}

/** The outcome of one item. */
export interface TransferItem {
  /**
   * The path of the file relative to the folder, with `/` between the parts. In a file of many keys: the name of the variable,
   * or the names of the members that lead to the value, with `/` between; or `line 7`, if there is no name.
   */
  readonly name: string;
  /**
   * `stored` by an import, `written` by an export, `unchanged` if it was there already, `skipped` for the `reason`; `denied` by an export if
   * the caller may not read it.
   */
  readonly status: 'stored' | 'written' | 'unchanged' | 'skipped' | 'denied' | 'failed';
  /** Why it was skipped. */
  readonly reason?: string;
  /** The name of the object. */
  readonly key?: string;
  /** The version that is now in the store, or was exported. */
  readonly version?: string;
  /** Why it failed or was denied: with `approvals` if it takes the approval of a second person. */
  readonly error?: SecureStoreError;
}

/** Taken by every import and export. */
export interface TransferOptions extends CallOptions {
  /** The folder in the store, such as `db/prod`: names are relative to it. By default the whole store. */
  readonly prefix?: string | undefined;
  /** Called with the outcome of each item, in the order in which they end, and awaited. What it throws ends the job. */
  readonly onItem?: ((item: TransferItem) => void | PromiseLike<void>) | undefined;
}

/** An item that failed. */
export interface FailedItem {
  readonly name: string;
  readonly key?: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** What imports and exports report alike. */
export interface TransferReport {
  /** Items that were identical already. */
  readonly unchanged: number;
  /** Items that were skipped, such as symbolic links. */
  readonly skipped: number;
  readonly failed: number;
  /** The first 1000 items that failed; `onItem` is called for all. */
  readonly failures: readonly FailedItem[];
  /** The bytes of what was stored, written or compared. */
  readonly bytes: number;
}

export interface ImportReport extends TransferReport {
  /** Objects of which a new version was stored. */
  readonly stored: number;
}

export interface ExportReport extends TransferReport {
  /** Objects that were written to files. */
  readonly written: number;
  /** Objects that were left out, since the caller may not read them, or only with an approval. */
  readonly denied: number;
}
