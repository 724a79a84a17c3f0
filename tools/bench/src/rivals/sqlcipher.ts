import { loadRival, rivalVersion } from './load.ts';

interface Statement {
  run(parameters: readonly unknown[]): unknown;
  get(parameters: readonly unknown[]): unknown;
}

/** A table of names and values in a SQLCipher database, durable after every write (WAL, `synchronous` FULL). */
export interface CipherTable {
  readonly name: string;
  put(key: string, value: Uint8Array): void;
  get(key: string): unknown;
  close(): void;
}

/** A CommonJS build of an ES module: its default export is one level down. */
interface SqlcipherModule {
  readonly default: {
    readonly default: new (path: string) => {
      exec(sql: string): void;
      prepare(sql: string): Statement;
      close(): void;
    };
  };
}

export async function sqlcipher(path: string, key: Uint8Array): Promise<CipherTable> {
  const {
    default: { default: Database },
  } = await loadRival<SqlcipherModule>('@signalapp/sqlcipher');
  const database = new Database(path);
  database.exec(`PRAGMA key = "x'${Buffer.from(key).toString('hex')}'"`);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE objects (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID');
  // A rival that does less work than it is said to do is no comparison: 2 is FULL.
  const { synchronous } = database.prepare('PRAGMA synchronous').get([]) as { synchronous: number };
  if (synchronous !== 2) throw new Error('SQLCipher did not take synchronous = FULL');
  const put = database.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?)');
  const get = database.prepare('SELECT body FROM objects WHERE name = ?');
  return {
    name: `SQLCipher (@signalapp/sqlcipher ${rivalVersion('@signalapp/sqlcipher')})`,
    put: (name, value) => void put.run([name, value]),
    get: (name) => get.get([name]),
    close: () => database.close(),
  };
}
