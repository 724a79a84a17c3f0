import { DatabaseSync } from 'node:sqlite';

/** A bare table on node:sqlite, durable after every commit (WAL, `synchronous` FULL). */
export interface BareTable {
  /** One commit each. */
  put(key: string, value: Uint8Array): void;
  /** All in one commit. */
  putAll(entries: Iterable<readonly [string, Uint8Array]>): void;
  get(key: string): unknown;
  close(): void;
}

export function bareTable(path: string): BareTable {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536');
  database.exec('CREATE TABLE objects (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID');
  const put = database.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?)');
  const get = database.prepare('SELECT body FROM objects WHERE name = ?');
  return {
    put: (key, value) => void put.run(key, value),
    putAll: (entries) => {
      database.exec('BEGIN IMMEDIATE');
      for (const [key, value] of entries) put.run(key, value);
      database.exec('COMMIT');
    },
    get: (key) => get.get(key),
    close: () => database.close(),
  };
}

/** A bare table for long payloads: rows in their order, on pages of 8 KiB. */
export interface PayloadTable {
  /** One commit, of rows of at most 256 KiB. */
  append(piece: Uint8Array): void;
  close(): void;
}

const ROW_BYTES = 256 * 1024;

export function payloadTable(path: string): PayloadTable {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)');
  const append = database.prepare('INSERT INTO rows (body) VALUES (?)');
  return {
    append(piece) {
      database.exec('BEGIN IMMEDIATE');
      for (let at = 0; at < piece.length; at += ROW_BYTES) append.run(piece.subarray(at, at + ROW_BYTES));
      database.exec('COMMIT');
    },
    close: () => database.close(),
  };
}
