import { decodeKey, FRAMED_TYPE, RAW_TYPE } from '@securestore/protocol';
import type { RecoveryPointLocator, ObjectInfo, RecoveryPointChoice, RetrievedStream, Session } from 'securestore';
import { Type } from 'typebox';
import { answerFramed, answerRaw, isConditional } from '../exchange/answer-object.ts';
import { dateIn } from '../request/body-values.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import {
  countOf,
  DESTINATION,
  exactly,
  flagOf,
  AT,
  positionOf,
  reportOf,
  textOf,
  VERSION,
} from '../request/schemas.ts';

const SNAPSHOT = countOf('the number of a snapshot');
const POINT = { at: Type.Optional(AT), snapshot: Type.Optional(SNAPSHOT) };
const MOMENT = { destination: Type.Optional(DESTINATION), ...POINT };
const PAGE = {
  prefix: Type.Optional(textOf('only keys that begin with this')),
  after: Type.Optional(Type.String({ maxLength: 4096, description: 'the "after" of the page before' })),
  limit: Type.Optional(countOf('how many entries at most, up to 500; default 100')),
};

function numberIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function pointIn({ at, snapshot }: { at?: string | undefined; snapshot?: string | undefined }): RecoveryPointChoice {
  return { at: dateIn(at), snapshot: numberIn(snapshot) };
}

function momentIn(query: { destination?: string; at?: string; snapshot?: string }): RecoveryPointLocator {
  const { destination } = query;
  return { ...(destination !== undefined && { destination }), ...pointIn(query) };
}

function pageIn({ prefix, after, limit }: { prefix?: string; after?: string; limit?: string }): {
  readonly prefix: string | undefined;
  readonly after: string | undefined;
  readonly limit: number | undefined;
} {
  return { prefix, after, limit: numberIn(limit) };
}

const ABOUT_PAGES =
  'A page ends after a bounded amount of work. It may hold fewer entries than requested, or none, and not be the last page. Without "destination" the page is about the store as it is now.';

/** Whether reading what an object was takes an approval. */
async function takesApproval(session: Session, key: string): Promise<boolean> {
  const permissions = [
    session.permission('read', key),
    session.permission('history', key),
    session.permission('backup.view'),
  ];
  return (await Promise.all(permissions)).includes('approval');
}

/** What the store was, at any point that can be restored. */
export const POINT_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/recovery-points/destinations',
    access: 'recoveryPoints.destinations',
    summary: 'list the destinations of the store',
    answer: { description: 'the destinations', json: exactly({ destinations: Type.Array(reportOf('a destination')) }) },
    handle: async ({ session, signal }) => ({ destinations: await session.recoveryPoints.destinations({ signal }) }),
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/timeline',
    access: 'recoveryPoints.timeline',
    summary: 'show the snapshots and windows of a destination, and the latest time that can be restored',
    query: exactly({
      destination: DESTINATION,
      before: Type.Optional(countOf('only snapshots before the one with this number')),
      limit: Type.Optional(countOf('how many snapshots at most, up to 1000; default 100')),
      changes: Type.Optional(flagOf('also list the recovery points of a continuous backup')),
    }),
    answer: { description: 'a timeline', json: reportOf('a timeline') },
    handle: ({ session, query: { destination, before, limit, changes }, signal }) =>
      session.recoveryPoints.timeline(destination, {
        before: numberIn(before),
        limit: numberIn(limit),
        changes: changes === 'true',
        signal,
      }),
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/browse',
    access: 'recoveryPoints.browse',
    summary: 'list a folder at a recovery point, as far as the caller may see',
    description: ABOUT_PAGES,
    query: exactly({ ...MOMENT, ...PAGE }),
    answer: { description: 'a page', json: reportOf('a page of a folder') },
    handle: ({ session, query, signal }) =>
      session.recoveryPoints.browse({ ...momentIn(query), ...pageIn(query), signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/find',
    access: 'recoveryPoints.find',
    summary: 'find keys that contain a text at a recovery point, deleted ones too, as far as the caller may see',
    description: ABOUT_PAGES,
    query: exactly({
      ...MOMENT,
      ...PAGE,
      contains: textOf('a part of the key, in upper or lower case; empty for all keys'),
    }),
    answer: { description: 'a page', json: reportOf('a page of keys') },
    handle: ({ session, query, signal }) =>
      session.recoveryPoints.find({ contains: query.contains, ...momentIn(query), ...pageIn(query), signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/compare',
    access: 'recoveryPoints.compare',
    summary: 'compare two recovery points, or one with the present store, as far as the caller may see',
    description: 'A page ends after a bounded amount of work. It may hold nothing, and not be the last page.',
    query: exactly({
      destination: DESTINATION,
      fromAt: Type.Optional(AT),
      fromSnapshot: Type.Optional(SNAPSHOT),
      toAt: Type.Optional(AT),
      toSnapshot: Type.Optional(SNAPSHOT),
      ...PAGE,
    }),
    answer: { description: 'a page', json: reportOf('a page of differences') },
    handle: ({ session, query, signal }) => {
      const { destination, fromAt, fromSnapshot, toAt, toSnapshot } = query;
      const from = pointIn({ at: fromAt, snapshot: fromSnapshot });
      const isNow = toAt === undefined && toSnapshot === undefined;
      const to = isNow ? {} : { to: pointIn({ at: toAt, snapshot: toSnapshot }) };
      return session.recoveryPoints.compare({ destination, from, ...to, ...pageIn(query), signal });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/versions/{key}',
    access: 'recoveryPoints.versions',
    further: ['history'],
    summary: 'list the versions of an object that the store and a destination keep',
    query: exactly({ destination: Type.Optional(DESTINATION) }),
    answer: { description: 'the versions, newest first', json: reportOf('the versions of an object') },
    handle: ({ session, rest, query, signal }) =>
      session.recoveryPoints.versions(decodeKey(rest), { ...query, signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/objects/{key}',
    access: 'recoveryPoints.retrieveStream',
    further: ['read', 'history'],
    summary: 'retrieve the data of an object at a recovery point, or of an older version that the recovery point keeps',
    query: exactly({
      destination: DESTINATION,
      ...POINT,
      version: Type.Optional(VERSION),
      start: Type.Optional(positionOf('the first byte of the range, from 0')),
      end: Type.Optional(positionOf('the end of the range, exclusive')),
    }),
    headers: {
      accept: `"${RAW_TYPE}" or "${FRAMED_TYPE}"`,
      range: '"bytes=START-END", "bytes=START-" or "bytes=-LAST"',
    },
    answer: { description: 'the data, or with Range a part of it', media: [RAW_TYPE, FRAMED_TYPE] },
    async handle(context) {
      const { session, rest, query, headers, signal } = context;
      const { destination, version, start, end } = query;
      const then = { destination, ...pointIn(query), ...(version !== undefined && { version }) };
      const retrieveStream = (key: string, range: object): Promise<RetrievedStream> =>
        session.recoveryPoints.retrieveStream(key, { ...then, ...range });
      const info = async (key: string, options: object): Promise<ObjectInfo> => {
        const found = await retrieveStream(key, options);
        await found.stream.cancel();
        return found.info;
      };
      const range = {
        ...(start !== undefined && { start: Number(start) }),
        ...(end !== undefined && { end: Number(end) }),
        signal,
      };
      const answer = headers.accept?.includes(FRAMED_TYPE) === true ? answerFramed : answerRaw;
      const key = decodeKey(rest);
      // To look at it first would use up an approval: all of it is answered then, as HTTP allows.
      const isWhole = isConditional(headers) && (await takesApproval(session, key));
      return answer({ ...context, headers: isWhole ? {} : headers, session: { info, retrieveStream } }, key, range);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/receipts',
    access: 'recoveryPoints.receipts',
    summary: 'list the receipts of the last drills and restores of a destination, newest first',
    query: exactly({ destination: DESTINATION }),
    answer: { description: 'the receipts', json: reportOf('receipts, signed by the store') },
    handle: ({ session, query, signal }) => session.recoveryPoints.receipts(query.destination, { signal }),
  }),
];
