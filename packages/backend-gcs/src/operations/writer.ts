import { type DeleteOptions, type WriteOptions, type WriteResult, conflictError } from '@securestore/backend-api';
import { randomBytes } from 'node:crypto';
import type { Call } from '../connection/connection.ts';
import { isConflict, isMissing, strangeAnswer } from '../connection/errors.ts';
import { type ObjectResource, type Place, isObjectMissing, objectPath, secondsOf } from './objects.ts';

const TYPE = 'application/octet-stream';

/** One change of one object. */
interface Change {
  readonly place: Place;
  readonly call: Call;
  readonly key: string;
}

export async function writeEntry(
  { place, call, key }: Change,
  body: Uint8Array,
  { ifAbsent, ifMatch }: WriteOptions,
): Promise<WriteResult> {
  if (ifMatch !== undefined && !isGeneration(ifMatch)) throw conflictError(call.site);
  const generation = ifAbsent === true ? '0' : ifMatch;
  const { data, boundary } = related(place.prefix + key, body);
  const request = {
    method: 'POST',
    path: `/upload/storage/v1/b/${place.bucket}/o`,
    params: { uploadType: 'multipart', ...(generation === undefined ? {} : { ifGenerationMatch: generation }) },
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    data,
    responseType: 'json',
  } as const;
  return place.connection.run(call, async (signal) => {
    try {
      const answer = await place.connection.send<ObjectResource>(request, signal);
      const { generation: etag, updated } = answer.data;
      const modified = secondsOf(updated);
      if (!etag || Number.isNaN(modified)) throw strangeAnswer(call);
      return { etag, modified };
    } catch (error) {
      if (isConflict(error) || (ifMatch !== undefined && isMissing(error) === true)) throw conflictError(call.site);
      throw error;
    }
  });
}

export async function deleteEntry({ place, call, key }: Change, { ifMatch }: DeleteOptions): Promise<void> {
  if (ifMatch !== undefined && !isGeneration(ifMatch)) throw conflictError(call.site);
  const { connection } = place;
  // An emulator may not know the condition, but the selection of a generation. The service knows both, and would delete an
  // old version by the latter, in a bucket that keeps them.
  const emulated = connection.endpoint.startsWith('http:') && ifMatch !== undefined;
  const params = {
    ...(ifMatch === undefined ? {} : { ifGenerationMatch: ifMatch }),
    ...(emulated ? { generation: ifMatch } : {}),
  };
  await connection.run(call, async (signal) => {
    try {
      await connection.send({ method: 'DELETE', path: objectPath(place, key), params, responseType: 'json' }, signal);
    } catch (error) {
      if (isConflict(error)) throw conflictError(call.site);
      if (!(await isObjectMissing(place, error, signal))) throw error;
      if (ifMatch !== undefined) throw conflictError(call.site);
    }
  });
}

/** Whether the service could have given it; anything else matches nothing. 0 would stand for no object at all. */
function isGeneration(etag: string): boolean {
  return /^[1-9]\d{0,18}$/.test(etag);
}

/** Name and body in one request; the body is copied, so nothing of the caller's is kept beyond the call. */
function related(name: string, body: Uint8Array): { data: Buffer; boundary: string } {
  const boundary = `securestore-${randomBytes(12).toString('hex')}`;
  const description = JSON.stringify({ name, contentType: TYPE });
  const head = `--${boundary}\r\ncontent-type: application/json\r\n\r\n${description}\r\n--${boundary}\r\ncontent-type: ${TYPE}\r\n\r\n`;
  return { data: Buffer.concat([Buffer.from(head), body, Buffer.from(`\r\n--${boundary}--\r\n`)]), boundary };
}
