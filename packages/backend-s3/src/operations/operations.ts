import { DeleteObjectCommand, DeleteObjectsCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import {
  type CallSite,
  type DeleteOptions,
  type WriteOptions,
  type WriteResult,
  conflictError,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { randomBytes } from 'node:crypto';
import type { Bucket } from '../connection/bucket.ts';
import { LOST_RACE, NO_SUCH_KEY, isCausedBy, toStoreError } from '../connection/errors.ts';
import { sendBody } from './send-body.ts';

/** Where an operation goes. */
export interface Destination {
  readonly bucket: Bucket;
  readonly prefix: string;
  /** Whether the service is one of which nothing is known. */
  readonly foreign: boolean;
  readonly site: CallSite;
}

/** The metadata that distinguishes a write from others of the same bytes. */
const WRITE_ID = 'write';

/** Etags are kept without the quotes of the protocol: Ceph takes conditions only so, and others both ways. */
export function etagOf(site: CallSite, etag: string | undefined): string {
  const bare = etag?.replaceAll('"', '');
  if (bare === undefined || bare === '') {
    throw new SecureStoreError('INTERNAL', `s3: the service gave no etag for ${site.operation}`, site);
  }
  return bare;
}

/** @throws SecureStoreError `CONFLICT` on a failed condition; what {@link Bucket.send} throws */
export async function putObject(
  destination: Destination,
  key: string,
  body: Uint8Array,
  { ifAbsent, ifMatch, signal }: WriteOptions,
): Promise<WriteResult> {
  const { bucket, prefix, foreign, site } = destination;
  const conditional = ifAbsent === true || ifMatch !== undefined;
  const id = conditional && foreign ? randomBytes(12).toString('base64url') : undefined;
  const input = {
    Key: prefix + key,
    Body: body,
    ...(ifAbsent === true ? { IfNoneMatch: '*' } : {}),
    ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
    ...(id === undefined ? {} : { Metadata: { [WRITE_ID]: id } }),
  };
  try {
    const etag = await sendBody(bucket, { site, mutates: true, conditional, signal }, input, ({ ETag }) => ETag);
    return { etag: etagOf(site, etag) };
  } catch (error) {
    if (id === undefined || !isCausedBy(error, LOST_RACE)) throw error;
    const winner = await currentOf(destination, key, signal);
    if (winner === undefined || winner.etag === ifMatch) throw error;
    if (winner.id === id) return { etag: winner.etag };
    throw conflictError(site);
  }
}

/** What is stored now; `undefined` if that can't be determined. */
async function currentOf(
  { bucket, prefix, site }: Destination,
  key: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly etag: string; readonly id: string | undefined } | undefined> {
  const command = new HeadObjectCommand({ Bucket: bucket.name, Key: prefix + key });
  try {
    return await bucket.send({ site, signal }, command, ({ ETag, Metadata }) => {
      return { etag: etagOf(site, ETag), id: Metadata?.[WRITE_ID] };
    });
  } catch {
    return undefined;
  }
}

/** @throws SecureStoreError `CONFLICT` on a failed condition; what {@link Bucket.send} throws */
export async function deleteObject(
  { bucket, prefix, site }: Destination,
  key: string,
  { ifMatch, signal }: DeleteOptions,
): Promise<void> {
  const condition = ifMatch === undefined ? {} : { IfMatch: ifMatch };
  const command = new DeleteObjectCommand({ Bucket: bucket.name, Key: prefix + key, ...condition });
  try {
    await bucket.send({ site, mutates: true, conditional: ifMatch !== undefined, signal }, command, () => undefined);
  } catch (error) {
    // Some services say so.
    if (!isCausedBy(error, NO_SUCH_KEY)) throw error;
  }
}

/** @throws SecureStoreError what the first key that is still there failed with; what {@link Bucket.send} throws */
export async function deleteObjects(
  { bucket, prefix, site }: Destination,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const Objects = [...new Set(keys)].map((key) => ({ Key: prefix + key }));
  const command = new DeleteObjectsCommand({ Bucket: bucket.name, Delete: { Quiet: true, Objects } });
  await bucket.send({ site, mutates: true, signal }, command, ({ Errors = [] }) => {
    const failed = Errors.find(({ Code }) => Code !== NO_SUCH_KEY);
    if (failed === undefined) return;
    const error = Object.assign(new Error(failed.Message), { name: failed.Code ?? 'Error', $fault: 'server' });
    const key = failed.Key?.slice(prefix.length);
    // Others of the keys may be gone.
    throw toStoreError(error, { ...site, key, exchange: undefined, uncertain: true, conditional: false, secrets: [] });
  });
}
