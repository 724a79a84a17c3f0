import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Place, Rows } from './place.ts';

/** The tour's own database, in the working directory. */
export function databasePlace(): Place {
  return {
    url: 'sqlite:./tour.db',
    rows: rowsOf('tour.db'),
    holdsAny: async (texts) => folderHoldsAny('.', texts),
  };
}

function rowsOf(path: string): Rows {
  const using = <T>(use: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(path);
    try {
      return use(database);
    } finally {
      database.close();
    }
  };
  return {
    list: async () =>
      using((database) => {
        const rows = database.prepare('SELECT key, size FROM entry ORDER BY key').all();
        return rows as { key: string; size: number }[];
      }),
    bytes: async (key) => using((database) => read(database, key).data),
    flipBit: async (key) =>
      using((database) => {
        const { id, data } = read(database, key);
        const middle = Math.floor(data.length / 2);
        data.writeUInt8(data.readUInt8(middle) ^ 1, middle);
        database.prepare('UPDATE segment SET data = ? WHERE id = ?').run(data, id);
      }),
  };
}

/** Whether any file of a folder holds any of these texts. */
function folderHoldsAny(folder: string, texts: readonly Buffer[]): boolean {
  return readdirSync(folder).some((name) => {
    const content = readFileSync(`${folder}/${name}`);
    return texts.some((text) => content.includes(text));
  });
}

/** Segment ids of a body are its entry's revision times 64, and on. */
function read(database: DatabaseSync, key: string): { id: number; data: Buffer } {
  const sql = 'SELECT id, data FROM segment WHERE id = 64 * (SELECT revision FROM entry WHERE key = ?)';
  const { id, data } = database.prepare(sql).get(key) as { id: number; data: Uint8Array };
  return { id, data: Buffer.from(data) };
}
