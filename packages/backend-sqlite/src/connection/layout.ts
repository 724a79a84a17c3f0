import { SecureStoreError } from '@securestore/core-format';
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** `SStr` in ASCII: tells a securestore database from any other SQLite file. */
const APPLICATION_ID: number = 0x53537472;

/** The `user_version` of the tables below. */
const LAYOUT_VERSION = 2;

/** Bodies are cut into rows of this many bytes, so that a range reads, and a write binds, little at a time. */
export const SEGMENT_BYTES: number = 256 * 1024;

/**
 * Row ids of one body's segments are `revision * SEGMENTS_PER_BODY + n`: consecutive, and never used again. A body has
 * at least one, even an empty body.
 */
export const SEGMENTS_PER_BODY = 64;

/** The largest body in bytes. */
export const MAX_BODY_BYTES: number = SEGMENT_BYTES * SEGMENTS_PER_BODY;

/**
 * `entry` is what a listing reads and holds no body. `revision` counts every write of the database, is the etag, and
 * names the body's segments; so bodies are only ever appended.
 *
 * The last row of `segment` is the clock of the database: its id tells the last revision, and it has the last time. A
 * row of its own would add a page to every commit. If the body of the last row is deleted, the row stays, without
 * data, until the next write.
 */
const TABLES: Readonly<Record<string, string>> = {
  entry:
    'CREATE TABLE entry(key TEXT PRIMARY KEY NOT NULL, revision INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL) STRICT, WITHOUT ROWID',
  segment: 'CREATE TABLE segment(id INTEGER PRIMARY KEY, modified INTEGER NOT NULL, data BLOB) STRICT',
};

const PACKAGE = '@securestore/backend-sqlite';

function pragmaNumber(db: DatabaseSync, name: string): number {
  const value = Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  return typeof value === 'number' ? value : 0;
}

/**
 * Whether the open database holds our tables (`true`) or nothing at all (`false`: a new file, or one whose creation
 * was interrupted). Reads only.
 *
 * @throws SecureStoreError `FORMAT_VERSION` for another application's database, or a newer layout; `INTEGRITY` if the
 *   tables are not the ones that this version made.
 */
export function inspectLayout(db: DatabaseSync, path: string): boolean {
  const schema = db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
  const application = pragmaNumber(db, 'application_id');
  const version = pragmaNumber(db, 'user_version');
  // SQLite treats a file of less than a page as an empty database, and would overwrite its content.
  const isForeign = pragmaNumber(db, 'page_count') === 0 && statSync(path).size > 0;
  if (schema.length === 0 && application === 0 && version === 0 && !isForeign) return false;
  if (application !== APPLICATION_ID) {
    throw new SecureStoreError(
      'FORMAT_VERSION',
      `${path} is not the database of a store: its application_id is ${application}. Nothing was changed.`,
      { backend: 'sqlite', advice: [{ id: 'choose-store-url' }] },
    );
  }
  if (version !== LAYOUT_VERSION) {
    const isOlder = version < LAYOUT_VERSION;
    throw new SecureStoreError(
      'FORMAT_VERSION',
      `${path} has table layout ${version}${isOlder ? ' of an earlier release' : ''}, but this release of ${PACKAGE} reads layout ${LAYOUT_VERSION}`,
      { backend: 'sqlite', advice: isOlder ? [] : [{ id: 'use-newer-release', package: PACKAGE }] },
    );
  }
  const names = Object.keys(TABLES);
  if (
    schema.length !== names.length ||
    schema.some((row, i) => row['name'] !== names[i] || row['sql'] !== TABLES[names[i] ?? ''])
  ) {
    throw new SecureStoreError('INTEGRITY', `the tables of ${path} are not those of a store`, {
      backend: 'sqlite',
      advice: [{ id: 'restore-store' }],
    });
  }
  return true;
}

/** Makes the tables in an empty database; the caller has begun the transaction. */
export function createLayout(db: DatabaseSync): void {
  for (const sql of Object.values(TABLES)) db.exec(sql);
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${LAYOUT_VERSION}`);
}
