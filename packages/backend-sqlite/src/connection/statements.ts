import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SEGMENT_BYTES, SEGMENTS_PER_BODY } from './layout.ts';

/** The prepared statements of one connection. */
export interface Statements {
  readonly begin: StatementSync;
  readonly beginRead: StatementSync;
  readonly commit: StatementSync;
  readonly rollback: StatementSync;
  /** key → revision, size */
  readonly find: StatementSync;
  /** key → revision, size, modified, clock, and the first segment's data */
  readonly read: StatementSync;
  /** first and last segment id → data */
  readonly segments: StatementSync;
  /** after, from, below, limit → rows of key, size, modified as arrays */
  readonly list: StatementSync;
  /** key, revision, size, modified */
  readonly put: StatementSync;
  /** id, data */
  readonly putSegment: StatementSync;
  /** first and last segment id */
  readonly dropSegments: StatementSync;
  /** key */
  readonly remove: StatementSync;
  /** → revision, modified */
  readonly clock: StatementSync;
  /** revision, modified */
  readonly setClock: StatementSync;
  /** → modified: the latest of all */
  readonly latest: StatementSync;
  /** the time, twice */
  readonly resetEntries: StatementSync;
  /** the time, twice */
  readonly resetClock: StatementSync;
  readonly truncateLog: StatementSync;
}

/** For statements of many rows: an array takes half as long to make as an object. */
function rowsAsArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

// A segment that is longer than any that was written is not even loaded.
export function prepareStatements(db: DatabaseSync): Statements {
  const sql = (text: string) => db.prepare(text);
  return {
    begin: sql('BEGIN IMMEDIATE'),
    beginRead: sql('BEGIN'),
    commit: sql('COMMIT'),
    rollback: sql('ROLLBACK'),
    find: sql('SELECT revision, size FROM entry WHERE key = ?'),
    read: sql(
      `SELECT e.revision, e.size, e.modified, c.modified AS clock, CASE WHEN length(s.data) <= ${SEGMENT_BYTES} THEN s.data END AS data
       FROM entry e CROSS JOIN clock c LEFT JOIN segment s ON s.id = e.revision * ${SEGMENTS_PER_BODY} WHERE e.key = ?`,
    ),
    segments: sql(
      `SELECT CASE WHEN length(data) <= ${SEGMENT_BYTES} THEN data END AS data FROM segment WHERE id BETWEEN ? AND ? ORDER BY id`,
    ),
    list: rowsAsArrays(
      sql('SELECT key, size, modified FROM entry WHERE key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?'),
    ),
    put: sql(
      `INSERT INTO entry(key, revision, size, modified) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, size = excluded.size, modified = excluded.modified`,
    ),
    putSegment: sql('INSERT INTO segment(id, data) VALUES (?, ?)'),
    dropSegments: sql('DELETE FROM segment WHERE id BETWEEN ? AND ?'),
    remove: sql('DELETE FROM entry WHERE key = ?'),
    clock: sql('SELECT revision, modified FROM clock'),
    setClock: sql('UPDATE clock SET revision = ?, modified = ?'),
    latest: sql('SELECT max(modified, coalesce((SELECT max(modified) FROM entry), 0)) AS modified FROM clock'),
    resetEntries: sql('UPDATE entry SET modified = ? WHERE modified > ?'),
    resetClock: sql('UPDATE clock SET modified = ? WHERE modified > ?'),
    truncateLog: sql('PRAGMA wal_checkpoint(TRUNCATE)'),
  };
}
