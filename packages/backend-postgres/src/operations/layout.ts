import { type CallSite, layoutError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Database } from '../connection/database.ts';
import { FORM, type Target } from '../connection/location.ts';

/** The tables of one store, quoted. */
export interface Tables {
  /** A row for each key. */
  readonly bodies: string;
  /** One row: the layout, and a time that lags little behind the last one given. */
  readonly state: string;
}

export function tablesOf({ schema, table }: Pick<Target, 'schema' | 'table'>): Tables {
  const within = schema === undefined ? '' : `"${schema}".`;
  return { bodies: `${within}"${table}"`, state: `${within}"${table}_state"` };
}

/**
 * Each brings the tables to the next layout; the first makes them. Bodies are ciphertext: not compressing them saves
 * time, and lets the server cut a range out of one without reading the rest.
 */
const MIGRATIONS: readonly ((tables: Tables) => string)[] = [
  ({ bodies, state }) => `
    CREATE TABLE ${bodies} (
      key text COLLATE "C" PRIMARY KEY, etag text COLLATE "C" NOT NULL, modified bigint NOT NULL, body bytea NOT NULL);
    ALTER TABLE ${bodies} ALTER COLUMN body SET STORAGE EXTERNAL;
    CREATE TABLE ${state} (one boolean PRIMARY KEY DEFAULT true CHECK (one), layout integer NOT NULL, floor bigint NOT NULL);
    INSERT INTO ${state} (layout, floor) VALUES (1, 0)`,
];

/** The number of the lock of migrations; any that no other program uses. */
const LOCK = 0x5353_7472;

/** The layout of the store, 0 if there is none. */
async function findLayout({ bodies, state }: Tables, run: Query, site: CallSite): Promise<number> {
  // Without a look at the catalogue itself, `to_regclass` may give an answer from before another's migration.
  const sql = `SELECT count(*) FILTER (WHERE oid = to_regclass($1))::int AS bodies,
    count(*) FILTER (WHERE oid = to_regclass($2))::int AS state
    FROM pg_class WHERE oid IN (to_regclass($1), to_regclass($2))`;
  const [found] = await run(sql, [bodies, state]);
  if (found?.['state'] !== 1) {
    if (found?.['bodies'] === 1) throw foreign(bodies, site);
    return 0;
  }
  const columns = `SELECT count(*)::int AS n FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname IN ('layout', 'floor')`;
  if ((await run(columns, [state]))[0]?.['n'] !== 2) throw foreign(state, site);
  const [row] = await run(`SELECT layout FROM ${state}`, []);
  if (typeof row?.['layout'] !== 'number') throw foreign(state, site);
  return row['layout'];
}

type Query = (sql: string, values: readonly unknown[]) => Promise<Readonly<Record<string, unknown>>[]>;

function foreign(table: string, site: CallSite): SecureStoreError {
  return new SecureStoreError(
    'FORMAT_VERSION',
    `postgres: the table ${table} does not belong to a store. Nothing was changed.`,
    { ...site, option: 'table', advice: [{ id: 'give-store-url', form: FORM }] },
  );
}

function checkKnown(layout: number, site: CallSite): void {
  if (layout <= MIGRATIONS.length) return;
  throw layoutError(site, layout, MIGRATIONS.length, '@securestore/backend-postgres');
}

/**
 * Whether the tables exist as this release needs them. Reads only.
 *
 * @throws SecureStoreError `FORMAT_VERSION` for tables of another program, or a newer layout
 */
export async function isMigrated(database: Database, tables: Tables, site: CallSite): Promise<boolean> {
  return database.session(site, async (run) => {
    const layout = await findLayout(tables, run, site);
    checkKnown(layout, site);
    return layout === MIGRATIONS.length;
  });
}

/** Makes the tables, or brings them up to date; of several that do so at once, one does. */
export async function migrate(database: Database, tables: Tables, site: CallSite): Promise<void> {
  await database.session(site, async (run) => {
    await run('BEGIN', []);
    try {
      await run('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      const layout = await findLayout(tables, run, site);
      checkKnown(layout, site);
      for (const step of MIGRATIONS.slice(layout)) await run(step(tables), []);
      await run('COMMIT', []);
    } catch (error) {
      // On a broken connection this fails too, and the server rolls back by itself.
      await run('ROLLBACK', []).catch(() => undefined);
      throw error;
    }
  });
}
