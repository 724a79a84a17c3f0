import { hash } from 'node:crypto';
import type { BatchOperation } from '@securestore/backend-api';
import { applyText } from './apply.ts';
import { NOW } from '../connection/clock.ts';
import type { Statement } from '../connection/database.ts';
import type { Tables } from './layout.ts';

/** Statements of more operations than these are not prepared: they seldom come twice. */
const MAX_PREPARED = 8;

function prepared(text: string): Statement {
  return { name: `securestore_${hash('sha256', text).slice(0, 32)}`, text };
}

/** The statements of one store. */
export interface Statements {
  /** key, first byte from 1, count of bytes, largest size → key, etag, modified, size, now, body */
  readonly range: Statement;
  /** key, largest size → key, etag, modified, size, now, body */
  readonly whole: Statement;
  /** keys, largest size → key, etag, modified, size, now, body, of those that are there */
  readonly many: Statement;
  /** after, from, below, limit → key, size, modified */
  readonly list: Statement;
  /** keys */
  readonly deleteMany: Statement;
  /** All of `operations`, of which only the form counts; see {@link applyText}. */
  readonly apply: (operations: readonly BatchOperation[]) => Statement;
}

export function statementsOn(tables: Tables): Statements {
  const { bodies, state } = tables;
  const read = (keys: string, body: string, largest: string): Statement =>
    prepared(`SELECT b.key, b.etag, b.modified::float8 AS modified, octet_length(b.body) AS size, (${NOW})::float8 AS now,
      CASE WHEN octet_length(b.body) <= ${largest}::int THEN ${body} END AS body
      FROM ${bodies} b LEFT JOIN ${state} s ON s.one WHERE b.key ${keys}`);
  return {
    range: read('= $1', 'substring(b.body FROM $2::int FOR $3::int)', '$4'),
    whole: read('= $1', 'b.body', '$2'),
    many: read('= ANY($1::text[])', 'b.body', '$2'),
    list: prepared(`SELECT key, octet_length(body) AS size, modified::float8 AS modified FROM ${bodies}
      WHERE key > $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4`),
    deleteMany: prepared(`WITH doomed AS (SELECT key FROM ${bodies} WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE)
      DELETE FROM ${bodies} b USING doomed d WHERE b.key = d.key`),
    apply: (operations) => {
      const text = applyText(tables, operations);
      return operations.length > MAX_PREPARED ? { text } : prepared(text);
    },
  };
}
