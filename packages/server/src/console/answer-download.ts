import { Readable } from 'node:stream';
import { SecureStoreError } from '@securestore/core-format';
import type { Download, DownloadRequest } from '@securestore/protocol';
import { RAW_TYPE } from '@securestore/protocol';
import type { FastifyReply } from 'fastify';
import type { RetrievedStream, Session } from 'securestore';
import { Type } from 'typebox';
import type { TSchema } from 'typebox';
import { dateIn } from '../request/body-values.ts';
import { exactly, AT, DESTINATION, VERSION } from '../request/schemas.ts';
import { archiveOf, outlookOf } from './archive.ts';
import { attachment, fileNameOf } from './downloads.ts';

const POINT = { at: Type.Optional(AT), snapshot: Type.Optional(Type.Integer({ minimum: 1 })) };
const KEY = Type.String({ minLength: 1, maxLength: 1024 });
/** What may be asked for. */
export const DOWNLOAD: TSchema = Type.Union([
  exactly({
    type: Type.Literal('object'),
    key: KEY,
    destination: Type.Optional(DESTINATION),
    ...POINT,
    version: Type.Optional(VERSION),
  }),
  exactly({
    type: Type.Literal('archive'),
    destination: DESTINATION,
    ...POINT,
    prefix: Type.Optional(Type.String({ maxLength: 1024 })),
    keys: Type.Optional(Type.Array(KEY, { maxItems: 10_000 })),
  }),
]);

/**
 * Finds out before a download begins what keeps it from being one, which a page can show then.
 *
 * @throws SecureStoreError `ACCESS_DENIED`, `NOT_FOUND`, `INVALID_KEY`
 */
export async function lookAhead(
  session: Session,
  asked: DownloadRequest,
  reply: FastifyReply,
): Promise<Pick<Download, 'objects' | 'leftOut'>> {
  const { signal } = goneWith(reply);
  if (asked.type === 'archive') return outlookOf(session, asked, signal);
  if ((await session.permission('read', asked.key, { signal })) !== 'denied') return {};
  throw new SecureStoreError('ACCESS_DENIED', 'read on this key is not allowed', {
    key: asked.key,
    advice: [{ id: 'ask-for-permission', action: 'read', key: asked.key }],
  });
}

/** Aborts where whoever asked has gone. */
function goneWith({ raw }: FastifyReply): AbortController {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  return gone;
}

/** Answers with a file. What is in it does nothing in a browser, wherever that shows it. */
export async function answerDownload(session: Session, asked: DownloadRequest, reply: FastifyReply): Promise<unknown> {
  const gone = goneWith(reply);
  reply.header('content-disposition', attachment(fileNameOf(asked).toWellFormed()));
  reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'; sandbox");
  if (asked.type === 'archive') {
    const archive = await archiveOf(session, asked, gone.signal);
    return reply.type('application/x-tar').send(Readable.fromWeb(archive as never));
  }
  const { info, stream } = await retrieved(session, asked, gone.signal);
  reply.header('content-length', String(info.size));
  return reply.type(RAW_TYPE).send(Readable.fromWeb(stream as never));
}

function retrieved(
  session: Session,
  { key, destination, at, snapshot, version }: Extract<DownloadRequest, { readonly type: 'object' }>,
  signal: AbortSignal,
): Promise<RetrievedStream> {
  const time = dateIn(at);
  const which = version === undefined ? {} : { version };
  if (destination !== undefined) {
    return session.recoveryPoints.retrieveStream(key, { ...which, destination, at: time, snapshot, signal });
  }
  return session.retrieveStream(key, { ...which, ...(time && { at: time }), signal });
}
