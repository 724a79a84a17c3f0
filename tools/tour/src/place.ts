/** Where the tour has its store, seen also by someone who has the backend and no key. */
export interface Place {
  readonly url: string;
  readonly rows: Rows;
  /** Whether any of `texts` is found in anything that the backend keeps, names among it. */
  holdsAny(texts: readonly Buffer[]): Promise<boolean>;
}

/** What the backend has, read and changed behind the back of the library. */
export interface Rows {
  /** Names and sizes in bytes as the backend has them. */
  list(): Promise<{ readonly key: string; readonly size: number }[]>;
  /** The first stored bytes of a row. */
  bytes(key: string): Promise<Uint8Array>;
  /** Flips one bit in the middle of what is stored for a row. Twice is as never. */
  flipBit(key: string): Promise<void>;
}
