import { isBackendKey } from '@securestore/backend-api';
import type { Connection } from '../connection/connection.ts';
import { isMissing } from '../connection/errors.ts';

/** The bucket of a store and the place in it. */
export interface Place {
  readonly connection: Connection;
  readonly bucket: string;
  readonly prefix: string;
}

/** What the JSON API says of an object. */
export interface ObjectResource {
  readonly name?: string;
  readonly size?: string;
  readonly generation?: string;
  readonly updated?: string;
}

export function objectPath({ bucket, prefix }: Place, key: string): string {
  return `/storage/v1/b/${bucket}/o/${encodeURIComponent(prefix + key)}`;
}

/** The key of an object; `undefined` for a name that no key has, so that others have put it there. */
export function keyOf({ prefix }: Place, name: string): string | undefined {
  const key = name.slice(prefix.length);
  return name.startsWith(prefix) && isBackendKey(key) ? key : undefined;
}

/** When an object was written: answers with a body say it in whole seconds, so all do. */
export function secondsOf(updated: string | null | undefined): number {
  return Math.floor(Date.parse(updated ?? '') / 1000) * 1000;
}

/**
 * Whether it is the object that is not there. The service says so; where a server leaves it open, the bucket is looked at.
 *
 * @throws the error of the look
 */
export async function isObjectMissing(
  { connection, bucket }: Place,
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  const missing = isMissing(error);
  if (missing !== undefined) return missing;
  const params = { maxResults: '1', fields: 'kind' };
  await connection.send({ method: 'GET', path: `/storage/v1/b/${bucket}/o`, params, responseType: 'json' }, signal);
  return true;
}
