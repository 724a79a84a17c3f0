import { type DeleteOptions, type WriteOptions, type WriteResult, conflictError } from '@securestore/backend-api';
import { randomBytes } from 'node:crypto';
import type { Call, Connection } from '../connection/connection.ts';
import { isConflict, isMissing, strangeAnswer } from '../connection/errors.ts';
import { plainEtag, quotedEtag } from '../connection/etag.ts';

/** The name under which a write through a client of the caller's is marked. */
const MARK = 'write';

/** One change of one blob. */
interface Change {
  readonly connection: Connection;
  readonly call: Call;
  readonly name: string;
}

export async function writeEntry(
  { connection, call, name }: Change,
  body: Uint8Array,
  { ifAbsent, ifMatch }: WriteOptions,
): Promise<WriteResult> {
  const match = ifMatch === undefined ? undefined : quotedEtag(ifMatch);
  if (ifMatch !== undefined && match === undefined) throw conflictError(call.site);
  const conditions = ifAbsent === true ? { ifNoneMatch: '*' } : match === undefined ? {} : { ifMatch: match };
  const mark = connection.lent ? randomBytes(12).toString('hex') : undefined;
  const blob = connection.container.getBlockBlobClient(name);
  return connection.run(call, async (abortSignal) => {
    try {
      const metadata = mark === undefined ? {} : { metadata: { [MARK]: mark } };
      return resultOf(await blob.upload(body, body.byteLength, { abortSignal, conditions, ...metadata }), call);
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    // A client of the caller's may have sent it twice, and then stands in its own way.
    if (mark === undefined) throw conflictError(call.site);
    const found = await blob.getProperties({ abortSignal }).catch(unlessMissing);
    if (found?.metadata?.[MARK] !== mark) throw conflictError(call.site);
    return resultOf(found, call);
  });
}

export async function deleteEntry({ connection, call, name }: Change, { ifMatch }: DeleteOptions): Promise<void> {
  const match = ifMatch === undefined ? undefined : quotedEtag(ifMatch);
  if (ifMatch !== undefined && match === undefined) throw conflictError(call.site);
  const conditions = match === undefined ? {} : { ifMatch: match };
  await connection.run(call, async (abortSignal) => {
    try {
      await connection.container.getBlobClient(name).delete({ abortSignal, conditions });
    } catch (error) {
      const missing = isMissing(error);
      if (missing && match === undefined) return;
      throw missing || isConflict(error) ? conflictError(call.site) : error;
    }
  });
}

function resultOf(
  { etag, lastModified }: { etag?: string | undefined; lastModified?: Date | undefined },
  call: Call,
): WriteResult {
  if (!etag || lastModified === undefined) throw strangeAnswer(call);
  return { etag: plainEtag(etag), modified: lastModified.getTime() };
}

function unlessMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
