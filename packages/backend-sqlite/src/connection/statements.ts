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
  /** from, below, limit → rows of key, size, modified as arrays */
  readonly listFrom: StatementSync;
  /** after, below, limit → the same */
  readonly listAfter: StatementSync;
  /** key, revision, size, modified */
  readonly put: StatementSync;
  /** id, modified, data */
  readonly putSegment: StatementSync;
  /** first and last segment id */
  readonly dropSegments: StatementSync;
  /** segment id */
  readonly vacate: StatementSync;
  /** key */
  readonly remove: StatementSync;
  /** → id, modified and whether it is vacant, of the last segment */
  readonly clock: StatementSync;
  /** → modified: the latest of all */
  readonly latest: StatementSync;
  /** the time, twice */
  readonly resetEntries: StatementSync;
  /** the time, twice */
  readonly resetClock: StatementSync;
  readonly truncateLog: StatementSync;
}

const LAST_TIME = '(SELECT modified FROM segment ORDER BY id DESC LIMIT 1)';

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
      `SELECT e.revision, e.size, e.modified, ${LAST_TIME} AS clock, CASE WHEN length(s.data) <= ${SEGMENT_BYTES} THEN s.data END AS data
       FROM entry e LEFT JOIN segment s ON s.id = e.revision * ${SEGMENTS_PER_BODY} WHERE e.key = ?`,
    ),
    segments: sql(
      `SELECT CASE WHEN length(data) <= ${SEGMENT_BYTES} THEN data END AS data FROM segment WHERE id BETWEEN ? AND ? ORDER BY id`,
    ),
    listFrom: rowsAsArrays(
      sql('SELECT key, size, modified FROM entry WHERE key >= ? AND key < ? ORDER BY key LIMIT ?'),
    ),
    listAfter: rowsAsArrays(
      sql('SELECT key, size, modified FROM entry WHERE key > ? AND key < ? ORDER BY key LIMIT ?'),
    ),
    put: sql(
      `INSERT INTO entry(key, revision, size, modified) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, size = excluded.size, modified = excluded.modified`,
    ),
    putSegment: sql('INSERT INTO segment(id, modified, data) VALUES (?, ?, ?)'),
    dropSegments: sql('DELETE FROM segment WHERE id BETWEEN ? AND ?'),
    vacate: sql('UPDATE segment SET data = NULL WHERE id = ?'),
    remove: sql('DELETE FROM entry WHERE key = ?'),
    clock: sql('SELECT id, modified, data IS NULL AS vacant FROM segment ORDER BY id DESC LIMIT 1'),
    latest: sql(`SELECT max(coalesce(${LAST_TIME}, 0), coalesce((SELECT max(modified) FROM entry), 0)) AS modified`),
    resetEntries: sql('UPDATE entry SET modified = ? WHERE modified > ?'),
    resetClock: sql('UPDATE segment SET modified = ? WHERE id = (SELECT max(id) FROM segment) AND modified > ?'),
    truncateLog: sql('PRAGMA wal_checkpoint(TRUNCATE)'),
  };
}
