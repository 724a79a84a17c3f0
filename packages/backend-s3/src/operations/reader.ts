import { GetObjectCommand, type GetObjectCommandOutput, ListObjectsV2Command } from '@aws-sdk/client-s3';
import {
  type CallSite,
  type CheckedBackend,
  type ListEntry,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type ReadResult,
  checkStoredSize,
  isBackendKey,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { Readable, addAbortSignal } from 'node:stream';
import { LOST_RACE, NO_SUCH_KEY, isCausedBy } from '../connection/errors.ts';
import { type Destination, etagOf } from './operations.ts';

/** The most entries in one page of a listing. */
const PAGE_ENTRIES = 1000;
/** What the service calls bytes that are not there. */
const NO_SUCH_RANGE = 'InvalidRange';

/** Where a read looks. */
export interface Source extends Destination {
  /** Whose limits hold. */
  readonly backend: CheckedBackend;
}

interface Bytes {
  /** As the header `Range`. */
  readonly range?: string;
  /** Whether only what is known of the body is asked for. */
  readonly none?: boolean;
}

export async function readEntry(source: Source, key: string, options: ReadOptions): Promise<ReadResult | undefined> {
  const { start = 0, end, signal } = options;
  try {
    if (options.start === undefined && end === undefined) return await get(source, key, {}, signal);
    if (end !== undefined && end <= start) return await get(source, key, { none: true }, signal);
    return await get(source, key, { range: `bytes=${start}-${end === undefined ? '' : end - 1}` }, signal);
  } catch (error) {
    if (isCausedBy(error, NO_SUCH_KEY)) return undefined;
    if (!isCausedBy(error, NO_SUCH_RANGE)) throw error;
  }
  // The range begins past the end of the body.
  const found = await readEntry(source, key, { start: 0, end: 0, signal });
  if (found === undefined || found.size <= start) return found;
  // Meanwhile a longer body has replaced it. A read of all of it needs no second request.
  const whole = await readEntry(source, key, { signal });
  if (whole === undefined) return undefined;
  const { etag: _, ...part } = whole;
  return { ...part, body: part.body.slice(start, end) };
}

export async function listEntries(
  { bucket, prefix: root, site }: Source,
  prefix: string,
  { after, limit = PAGE_ENTRIES, signal }: ListOptions,
): Promise<ListResult> {
  const place = {
    Bucket: bucket.name,
    Prefix: root + prefix,
    MaxKeys: Math.min(limit, PAGE_ENTRIES),
    ...(after === undefined || after < prefix ? {} : { StartAfter: root + after }),
  };
  // A page of names that are none of a store's would be empty, and yet not the last.
  for (let token: string | undefined; ;) {
    const command = new ListObjectsV2Command({
      ...place,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    const page = await bucket.send({ site, signal }, command, (output) => output);
    const entries = (page.Contents ?? []).flatMap(({ Key = '', Size, LastModified }): ListEntry[] => {
      const key = Key.slice(root.length);
      if (!isBackendKey(key)) return [];
      return [{ key, size: Size ?? 0, modified: wholeSeconds(known(site, 'time', LastModified?.getTime())) }];
    });
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if (entries.length > 0 || token === undefined) return { entries, more: token !== undefined };
  }
}

async function get(source: Source, key: string, bytes: Bytes, signal: AbortSignal | undefined): Promise<ReadResult> {
  try {
    return await getOnce(source, key, bytes, signal);
  } catch (error) {
    // A write came between the two steps in which Ceph reads an object.
    if (!isCausedBy(error, LOST_RACE)) throw error;
    return getOnce(source, key, bytes, signal);
  }
}

async function getOnce(
  { bucket, prefix, site, backend }: Source,
  key: string,
  { range, none = false }: Bytes,
  signal: AbortSignal | undefined,
): Promise<ReadResult> {
  const command = new GetObjectCommand({
    Bucket: bucket.name,
    Key: prefix + key,
    ...(range === undefined ? {} : { Range: range }),
  });
  return bucket.send({ site, signal }, command, async (output, { headers }, until) => {
    const stream = output.Body;
    if (!(stream instanceof Readable)) throw new TypeError('the body is no stream of Node');
    try {
      const length = known(site, 'size', output.ContentLength);
      const size = range === undefined ? length : known(site, 'size', totalOf(output));
      checkStoredSize(backend, key, size);
      // It is made room for before anything of it has come.
      if (length > size) throw new RangeError('a part is longer than the whole');
      const body = none ? new Uint8Array() : await collect(stream, length, until);
      const modified = wholeSeconds(known(site, 'time', output.LastModified?.getTime()));
      const now = known(site, 'time', Date.parse(headers['date'] ?? ''));
      const result = { body, size, modified, now };
      return range === undefined && !none ? { ...result, etag: etagOf(site, output.ETag) } : result;
    } finally {
      stream.destroy();
    }
  });
}

/** The size of the whole body, of which the answer is a part. */
function totalOf({ ContentRange = '' }: GetObjectCommandOutput): number {
  return Number(/\/(\d{1,15})$/.exec(ContentRange)?.[1] ?? Number.NaN);
}

async function collect(stream: Readable, length: number, until: AbortSignal): Promise<Uint8Array> {
  addAbortSignal(until, stream);
  const body = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    if (filled + chunk.byteLength > length) throw new RangeError('the body is longer than was said');
    body.set(chunk, filled);
    filled += chunk.byteLength;
  }
  if (filled < length) throw new RangeError('the body ended early');
  return body;
}

/** Listings of some services are finer than their answers to reads, and one body has one time. */
function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}

function known(site: CallSite, what: string, value: number | undefined): number {
  if (value !== undefined && !Number.isNaN(value)) return value;
  throw new SecureStoreError('INTERNAL', `s3: the service gave no ${what} in its answer`, site);
}
