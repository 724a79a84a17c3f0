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
