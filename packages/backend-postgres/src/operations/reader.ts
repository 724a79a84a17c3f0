import {
  type CallSite,
  type CheckedBackend,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type ReadResult,
  checkStoredSize,
  damagedError,
} from '@securestore/backend-api';
import type { Database } from '../connection/database.ts';
import type { Statements } from './statements.ts';

/** The most entries in one page of a listing. */
const PAGE_ENTRIES = 1000;
/** Sorts after every character of a key. */
const AFTER_ALL = '\x7f';
const MAX_INT = 2 ** 31 - 1;

/** Where a read looks. */
export interface Source {
  readonly database: Database;
  readonly statements: Statements;
  readonly site: CallSite;
  /** Whose limits hold. */
  readonly backend: CheckedBackend;
}

/** A row of the read statements, as their types in SQL say. */
interface ReadRow {
  readonly key: string;
  readonly etag: string;
  readonly modified: number;
  readonly size: number;
  readonly now: number;
  readonly body: Buffer | null;
}

export async function readEntry(
  { database, statements, site, backend }: Source,
  key: string,
  options: ReadOptions,
): Promise<ReadResult | undefined> {
  const { start = 0, end = Infinity, signal } = options;
  const whole = options.start === undefined && options.end === undefined;
  const largest = backend.capabilities.maxBodyBytes;
  const range = [Math.min(start, MAX_INT - 1) + 1, Math.max(Math.min(end, MAX_INT) - Math.min(start, MAX_INT), 0)];
  const values = whole ? [key, largest] : [key, ...range, largest];
  const statement = whole ? statements.whole : statements.range;
  const [row] = await database.run({ site, statement, values, mutates: false, signal });
  if (row === undefined) return undefined;
  const { etag, modified, size, now, body } = row as unknown as ReadRow;
  checkStoredSize(backend, key, size);
  if (body === null) throw damagedError({ ...site, key }, 'is missing');
  const result = { body, size, modified, now };
  return whole ? { ...result, etag } : result;
}

/** The bodies of several keys, each once, in one statement; `too large` for those over `largest` bytes. */
export async function readEntries(
  { database, statements, site }: Source,
  keys: readonly string[],
  largest: number,
): Promise<Map<string, ReadResult | 'too large'>> {
  const values = [keys, largest];
  const rows = await database.run({ site, statement: statements.many, values, mutates: false, signal: undefined });
  return new Map(
    (rows as unknown as ReadRow[]).map(({ key, body, ...rest }) => [
      key,
      body === null ? 'too large' : { ...rest, body },
    ]),
  );
}

export async function listEntries(
  { database, statements, site }: Source,
  prefix: string,
  { after = '', limit = PAGE_ENTRIES, signal }: ListOptions,
): Promise<ListResult> {
  const count = Math.min(limit, PAGE_ENTRIES);
  const values = [after, prefix, prefix + AFTER_ALL, count + 1];
  const rows = await database.run({ site, statement: statements.list, values, mutates: false, signal });
  const entries = rows.map(({ key, size, modified }) => ({ key, size, modified }) as ListResult['entries'][number]);
  return { entries: entries.slice(0, count), more: entries.length > count };
}
