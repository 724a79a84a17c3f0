import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** The rows of the tour's database, read and changed as someone would who has the file and no key. */
export interface Rows {
  /** Names and sizes in bytes as the database has them. */
  list(): { readonly key: string; readonly size: number }[];
  /** The first stored bytes of a row. */
  bytes(key: string): Uint8Array;
  /** Flips one bit in the middle of what is stored for a row. Twice is as never. */
  flipBit(key: string): void;
}

export function rowsOf(path: string): Rows {
  const using = <T>(use: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(path);
    try {
      return use(database);
    } finally {
      database.close();
    }
  };
  return {
    list: () =>
      using((database) => {
        const rows = database.prepare('SELECT key, size FROM entry ORDER BY key').all();
        return rows as { key: string; size: number }[];
      }),
    bytes: (key) => using((database) => read(database, key).data),
    flipBit: (key) =>
      using((database) => {
        const { id, data } = read(database, key);
        const middle = Math.floor(data.length / 2);
        data.writeUInt8(data.readUInt8(middle) ^ 1, middle);
        database.prepare('UPDATE segment SET data = ? WHERE id = ?').run(data, id);
      }),
  };
}

/** Whether any file of a folder holds these bytes. */
export function folderHolds(folder: string, bytes: Buffer): boolean {
  return readdirSync(folder).some((name) => readFileSync(`${folder}/${name}`).includes(bytes));
}

/** Segment ids of a body are its entry's revision times 64, and on. */
function read(database: DatabaseSync, key: string): { id: number; data: Buffer } {
  const sql = 'SELECT id, data FROM segment WHERE id = 64 * (SELECT revision FROM entry WHERE key = ?)';
  const { id, data } = database.prepare(sql).get(key) as { id: number; data: Uint8Array };
  return { id, data: Buffer.from(data) };
}
