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
import type { SecureStoreError } from '@securestore/core-format';
import type { Connection } from '../connection/connection.ts';
import { garbledError } from '../connection/errors.ts';
import type { Names } from '../connection/names.ts';
import { isNumber, LIST, READ } from '../connection/scripts.ts';

/** The most entries in one page of a listing. */
const PAGE_ENTRIES = 1000;
/** Sorts after every character of a key. */
const AFTER_ALL = '\x7f';

/** What a read needs. */
export interface Source {
  readonly connection: Connection;
  readonly names: Names;
  readonly site: CallSite;
  /** The backend whose limits apply. */
  readonly backend: CheckedBackend;
}

interface Meta {
  readonly etag: string;
  readonly size: number;
  readonly modified: number;
}

/** The server may have evicted a part of the body, which is the usual cause. */
function damaged(site: CallSite, key: string): SecureStoreError {
  return damagedError({ ...site, key }, 'is incomplete, perhaps because the server evicts data');
}

function parseMeta(site: CallSite, key: string, meta: unknown): Meta {
  const [, etag, size, modified] = /^(\S+) (\d{1,15}) (\d{1,15})$/.exec(String(meta)) ?? [];
  if (etag === undefined) throw damaged(site, key);
  return { etag, size: Number(size), modified: Number(modified) };
}

/** The first and the last byte that a read asks for, as `GETRANGE` takes them; the last is before the first for none. */
function byteRange({ start = 0, end }: ReadOptions): [first: string, last: string] {
  if (end !== undefined && end <= start) return ['1', '0'];
  return [String(start), end === undefined ? '-1' : String(end - 1)];
}

/** Answers that came together share memory, and a caller may pass on or detach the body that it gets. */
function owned(body: Buffer): Uint8Array {
  return body.buffer.byteLength === body.byteLength ? body : new Uint8Array(body);
}

type Read = readonly [
  meta: Buffer,
  length: number,
  body: Buffer | null,
  seconds: Buffer,
  microseconds: Buffer,
  clock: Buffer | null,
];

/** Whether that is what {@link READ} returns for a key that is there. */
function isRead(answer: unknown): answer is Read {
  if (!Array.isArray(answer) || answer.length !== 6) return false;
  const [meta, length, body, seconds, microseconds, clock]: readonly unknown[] = answer;
  return (
    Buffer.isBuffer(meta) &&
    typeof length === 'number' &&
    (body === null || Buffer.isBuffer(body)) &&
    isNumber(seconds) &&
    isNumber(microseconds) &&
    (clock === null || isNumber(clock))
  );
}

/** Whether that is what {@link LIST} returns. */
function isPage(answer: unknown): answer is readonly [Buffer[], (Buffer | null)[]] {
  if (!Array.isArray(answer) || answer.length !== 2) return false;
  const [found, metas]: readonly unknown[] = answer;
  return (
    Array.isArray(found) &&
    Array.isArray(metas) &&
    found.length === metas.length &&
    found.every((name) => Buffer.isBuffer(name))
  );
}

export async function readEntry(
  { connection, names, site, backend }: Source,
  key: string,
  options: ReadOptions,
): Promise<ReadResult | undefined> {
  const keys = [names.meta, names.clock, names.body(key)];
  const args = [key, ...byteRange(options), String(backend.capabilities.maxBodyBytes)];
  const answer = await connection.run({ site, script: READ, keys, args, mutates: false, signal: options.signal });
  if (answer === null) return undefined;
  if (!isRead(answer)) throw garbledError(site, false);
  const [meta, length, body, seconds, microseconds, clock] = answer;
  const { etag, size, modified } = parseMeta(site, key, meta);
  checkStoredSize(backend, key, length);
  if (length !== size || body === null) throw damaged(site, key);
  const now = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  const result = { body: owned(body), size, modified, now: Math.max(now, Number(clock)) };
  const whole = options.start === undefined && options.end === undefined;
  return whole ? { ...result, etag } : result;
}

export async function listEntries(
  { connection, names, site }: Source,
  prefix: string,
  { after, limit = PAGE_ENTRIES, signal }: ListOptions,
): Promise<ListResult> {
  const lower = after === undefined || after < prefix ? `[${prefix}` : `(${after}`;
  const count = Math.min(limit, PAGE_ENTRIES);
  const args = [lower, `(${prefix}${AFTER_ALL}`, String(count + 1)];
  const keys = [names.index, names.meta];
  const answer = await connection.run({ site, script: LIST, keys, args, mutates: false, signal });
  if (!isPage(answer)) throw garbledError(site, false);
  const [found, metas] = answer;
  const entries = found.slice(0, count).map((name, index) => {
    const key = String(name);
    const { size, modified } = parseMeta(site, key, metas[index]);
    return { key, size, modified };
  });
  return { entries, more: found.length > count };
}
