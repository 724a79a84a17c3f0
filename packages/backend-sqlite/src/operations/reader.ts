import {
  type CheckedBackend,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type ReadResult,
  checkStoredSize,
  damagedError,
  resolveRange,
} from '@securestore/backend-api';
import type { SecureStoreError } from '@securestore/core-format';
import type { Connection } from '../connection/connection.ts';
import { SEGMENT_BYTES, SEGMENTS_PER_BODY } from '../connection/layout.ts';

/** The most entries in one page of a listing. */
const PAGE_ENTRIES = 1000;
/** Sorts after every character of a key. */
const AFTER_ALL = '\x7f';

interface ReadRow {
  readonly revision: number;
  readonly size: number;
  readonly modified: number;
  readonly clock: number;
  readonly data: Uint8Array | null;
}

type ListRow = readonly [key: string, size: number, modified: number];

function damaged(key: string): SecureStoreError {
  return damagedError({ backend: 'sqlite', operation: 'read', key });
}

/** Bytes `start` to `end` of a body, from the segments that they touch. */
function readSegments({ statements }: Connection, key: string, row: ReadRow, start: number, end: number): Uint8Array {
  const body = new Uint8Array(end - start);
  const first = Math.floor(start / SEGMENT_BYTES);
  const last = Math.ceil(end / SEGMENT_BYTES) - 1;
  const base = row.revision * SEGMENTS_PER_BODY;
  let position = first * SEGMENT_BYTES;
  for (const { data } of statements.segments.iterate(base + first, base + last)) {
    if (!(data instanceof Uint8Array) || data.length !== Math.min(SEGMENT_BYTES, row.size - position))
      throw damaged(key);
    const from = Math.max(start - position, 0);
    const to = Math.min(end - position, data.length);
    body.set(data.subarray(from, to), position + from - start);
    position += data.length;
    // Freed at once: while a large object is read, the garbage collector would let tens of megabytes of them pile up.
    if (data.buffer instanceof ArrayBuffer) data.buffer.transfer(0);
  }
  if (position < end) throw damaged(key);
  return body;
}

/** A read beyond the first segment is one transaction, so that no writer can come in between. */
function readTransaction(
  connection: Connection,
  key: string,
  options: ReadOptions,
  backend: CheckedBackend,
): [ReadRow, Uint8Array] | undefined {
  const { db, statements } = connection;
  statements.beginRead.run();
  try {
    const row = statements.read.get(key) as ReadRow | undefined;
    if (row === undefined) return undefined;
    checkStoredSize(backend, key, row.size);
    const { start, end } = resolveRange(row.size, options);
    return [row, start < end ? readSegments(connection, key, row, start, end) : new Uint8Array(0)];
  } finally {
    if (db.isTransaction) statements.commit.run();
  }
}

function readWhole(connection: Connection, key: string, backend: CheckedBackend): [ReadRow, Uint8Array] | undefined {
  // STRICT tables hold what their columns say.
  const row = connection.statements.read.get(key) as ReadRow | undefined;
  if (row === undefined) return undefined;
  if (row.size > SEGMENT_BYTES) return readTransaction(connection, key, {}, backend);
  const body = row.data ?? new Uint8Array(0);
  if (body.length !== row.size) throw damaged(key);
  return [row, body];
}

/**
 * @param now - The wall clock in whole milliseconds; the database's own never shows less than what it last wrote.
 * @param backend - whose limits hold
 */
export function readEntry(
  connection: Connection,
  key: string,
  options: ReadOptions,
  now: number,
  backend: CheckedBackend,
): ReadResult | undefined {
  const whole = options.start === undefined && options.end === undefined;
  const found = whole ? readWhole(connection, key, backend) : readTransaction(connection, key, options, backend);
  if (found === undefined) return undefined;
  const [row, body] = found;
  const result = { body, size: row.size, modified: row.modified, now: Math.max(now, row.clock) };
  return whole ? { ...result, etag: String(row.revision) } : result;
}

export function listEntries({ statements }: Connection, prefix: string, options: ListOptions): ListResult {
  const limit = Math.min(options.limit ?? PAGE_ENTRIES, PAGE_ENTRIES);
  const { after } = options;
  // One lower bound for each statement: of two, SQLite looks up the first, and reads all rows between them.
  const isFrom = after === undefined || after < prefix;
  const [statement, start] = isFrom ? [statements.listFrom, prefix] : [statements.listAfter, after];
  const rows = statement.all(start, prefix + AFTER_ALL, limit + 1) as unknown as ListRow[];
  const more = rows.length > limit;
  if (more) rows.pop();
  return { entries: rows.map(([key, size, modified]) => ({ key, size, modified })), more };
}
