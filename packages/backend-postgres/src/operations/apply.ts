import type { BatchOperation } from '@securestore/backend-api';
import { FLOOR_LAG_MS, NOW } from '../connection/clock.ts';
import type { Tables } from './layout.ts';

/** How an operation looks in a statement, with the numbers of its parameters. */
interface Form {
  readonly index: number;
  readonly kind: 'create' | 'put' | 'delete';
  readonly key: string;
  /** The parameter of the etag that must be there. */
  readonly match: string | undefined;
  readonly etag: string;
  readonly body: string;
}

/** The parameters of an operation, in the order of {@link formsOf}. */
export function valuesOf(operation: BatchOperation, etag: string): unknown[] {
  const match = operation.ifMatch === undefined ? [] : [operation.ifMatch];
  if (operation.type === 'delete') return [operation.key, ...match];
  // A copy: the caller may change its body as soon as the call has ended, by an abort for instance, while it is sent.
  return [operation.key, ...match, etag, Buffer.from(operation.body)];
}

function formsOf(operations: readonly BatchOperation[]): Form[] {
  let count = 0;
  const next = (type: string): string => `$${++count}::${type}`;
  return operations.map((operation, index) => {
    const key = next('text');
    const match = operation.ifMatch === undefined ? undefined : next('text');
    if (operation.type === 'delete') return { index, kind: 'delete', key, match, etag: '', body: '' };
    const kind = operation.ifAbsent === true ? 'create' : 'put';
    return { index, kind, key, match, etag: next('text'), body: next('bytea') };
  });
}

/**
 * One statement that does all operations or none, on rows in the order of their keys, so that no two wait for each
 * other. It gives a row with each key that was written and its time, or one without a key and with the number of the
 * operation whose condition failed. In a batch, a key that somebody else makes in the same moment is a violation of
 * uniqueness: then nothing was done, and the next try sees it.
 */
export function applyText(tables: Tables, operations: readonly BatchOperation[]): string {
  const forms = formsOf(operations);
  const [only] = forms;
  if (only?.kind === 'create' && forms.length === 1) return createText(tables, only);
  const ofKind = (kind: Form['kind']): Form[] => forms.filter((form) => form.kind === kind);
  const [creates, puts, deletes] = [ofKind('create'), ofKind('put'), ofKind('delete')];
  const conditional = forms.filter(({ kind, match }) => kind === 'create' || match !== undefined);
  const clock = creates.length + puts.length > 0 ? clockParts(tables) : [];
  const locked = forms.length > 1 || conditional.length > 0;
  const checks = [
    ...(clock.length > 0 ? ['(SELECT count(*) FROM moved) >= 0'] : []),
    ...(locked ? ['(SELECT count(*) FROM found) >= 0'] : []),
    ...(conditional.length > 0 ? ['(SELECT index FROM failed) IS NULL'] : []),
  ];
  const passed = checks.length > 0 ? checks.join(' AND ') : 'true';
  const parts = [
    ...clock,
    ...(locked ? [foundPart(tables, forms, clock.length > 0)] : []),
    ...(conditional.length > 0 ? [failedPart(conditional)] : []),
    ...(creates.length > 0 ? [`created AS (${insertText(tables, creates, passed)} RETURNING key, modified)`] : []),
    ...(puts.length > 0 ? [`put AS (${insertText(tables, puts, passed)} ${REPLACE} RETURNING key, modified)`] : []),
    ...(deletes.length > 0 ? [`deleted AS (${deleteText(tables, deletes, passed)})`] : []),
  ];
  const results = [
    'SELECT NULL::text AS key, NULL::float8 AS value WHERE false',
    ...(creates.length > 0 ? ['SELECT key, modified::float8 FROM created'] : []),
    ...(puts.length > 0 ? ['SELECT key, modified::float8 FROM put'] : []),
    ...(conditional.length > 0 ? ['SELECT NULL::text, index::float8 FROM failed WHERE index IS NOT NULL'] : []),
  ];
  return `WITH ${parts.join(', ')} ${results.join(' UNION ALL ')}`;
}

/** One new key, without a look at what is there. */
function createText(tables: Tables, form: Form): string {
  const insert = insertText(tables, [form], '(SELECT count(*) FROM moved) >= 0');
  return `WITH ${clockParts(tables).join(', ')},
    created AS (${insert} ON CONFLICT (key) DO NOTHING RETURNING key, modified)
    SELECT key, modified::float8 AS value FROM created
    UNION ALL SELECT NULL::text, 0::float8 FROM tick WHERE NOT EXISTS (SELECT FROM created)`;
}

/**
 * The time of this statement. The kept time is moved first of all, for everybody takes that lock before any other.
 * `s.one` tells the planner that there is one row: for thousands it would compile the statement first.
 */
function clockParts({ state }: Tables): string[] {
  return [
    `tick AS MATERIALIZED (SELECT ${NOW} AS now FROM ${state} s WHERE s.one)`,
    `moved AS (UPDATE ${state} s SET floor = t.now FROM tick t
      WHERE s.one AND s.floor < t.now - ${FLOOR_LAG_MS} RETURNING 1)`,
  ];
}

/** Locks all rows that are there, in the order of their keys. */
function foundPart({ bodies }: Tables, forms: readonly Form[], clock: boolean): string {
  const keys = forms.map(({ key }) => key).join(', ');
  const first = clock ? 'AND (SELECT count(*) FROM moved) >= 0' : '';
  return `found AS MATERIALIZED (SELECT b.key, b.etag FROM ${bodies} b
    WHERE b.key IN (${keys}) ${first} ORDER BY b.key FOR UPDATE)`;
}

function failedPart(conditional: readonly Form[]): string {
  const rows = conditional.map(({ index, key, match }) => `(${index}, ${key}, ${match ?? 'NULL::text'})`).join(', ');
  return `failed AS MATERIALIZED (SELECT min(c.index) AS index FROM (VALUES ${rows}) AS c(index, key, match)
    LEFT JOIN found f ON f.key = c.key
    WHERE CASE WHEN c.match IS NULL THEN f.key IS NOT NULL ELSE f.etag IS DISTINCT FROM c.match END)`;
}

/** Whoever waited for another write of the key may have looked at the clock before it. */
const REPLACE = `ON CONFLICT (key) DO UPDATE SET etag = EXCLUDED.etag, body = EXCLUDED.body,
  modified = greatest(EXCLUDED.modified, b.modified)`;

function insertText({ bodies }: Tables, forms: readonly Form[], passed: string): string {
  const rows = forms.map(({ key, etag, body }) => `(${key}, ${etag}, ${body})`).join(', ');
  return `INSERT INTO ${bodies} AS b (key, etag, modified, body) SELECT v.key, v.etag, t.now, v.body
    FROM tick t CROSS JOIN (VALUES ${rows}) AS v(key, etag, body) WHERE ${passed}`;
}

function deleteText({ bodies }: Tables, forms: readonly Form[], passed: string): string {
  const rows = forms.map(({ key }) => `(${key})`).join(', ');
  return `DELETE FROM ${bodies} b USING (VALUES ${rows}) AS v(key) WHERE b.key = v.key AND ${passed} RETURNING 1`;
}
