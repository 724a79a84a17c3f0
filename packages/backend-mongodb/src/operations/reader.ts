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
import type { Document } from 'mongodb';
import { joined, spanOf } from './body.ts';
import { type Place, firstBatch } from './layout.ts';

/** The most entries in one page of a listing. */
const PAGE_ENTRIES = 1000;

/** A field that is a whole number from 0, as every number that a store writes. */
function numberIn(document: Document, field: string): number | undefined {
  const value: unknown = document[field];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export async function readEntry(
  { connection, commands }: Place,
  backend: CheckedBackend,
  site: CallSite & { readonly key: string },
  options: ReadOptions,
): Promise<ReadResult | undefined> {
  const { key } = site;
  const { start = 0, end = Infinity, signal } = options;
  const whole = options.start === undefined && options.end === undefined;
  const span = spanOf(start, end);
  const command = commands.read(key, whole ? undefined : span);
  const [found] = firstBatch(await connection.run({ site, command, mutates: false, signal }));
  if (found === undefined) return undefined;
  const [size, modified, now] = ['size', 'modified', 'now'].map((field) => numberIn(found, field));
  const { etag, body: pieces } = found as { etag: unknown; body: unknown };
  if (size === undefined || modified === undefined || now === undefined) throw damagedError({ ...site, key });
  if (typeof etag !== 'string' || !Array.isArray(pieces) || !pieces.every((piece) => piece instanceof Uint8Array)) {
    throw damagedError({ ...site, key });
  }
  checkStoredSize(backend, key, size);
  const range = { first: whole ? 0 : span.first, start: Math.min(start, size), end: Math.min(end, size) };
  const body = joined(pieces, range);
  if (body === undefined) throw damagedError({ ...site, key });
  const result = { body, size, modified, now: Math.max(now, connection.floor.time) };
  return whole ? { ...result, etag } : result;
}

export async function listEntries(
  { connection, commands }: Place,
  site: CallSite,
  prefix: string,
  { after, limit = PAGE_ENTRIES, signal }: ListOptions,
): Promise<ListResult> {
  const count = Math.min(limit, PAGE_ENTRIES);
  const command = commands.list(prefix, after, count + 1);
  const found = firstBatch(await connection.run({ site, command, mutates: false, signal }));
  const entries = found.slice(0, count).map((document) => {
    const key = String(document['_id']);
    const [size, modified] = ['size', 'modified'].map((field) => numberIn(document, field));
    if (size === undefined || modified === undefined) throw damagedError({ ...site, key });
    return { key, size, modified };
  });
  return { entries, more: found.length > count };
}
