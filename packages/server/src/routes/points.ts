import { decodeKey, FRAMED_TYPE, RAW_TYPE } from '@securestore/protocol';
import type { RecoveryPointLocator, ObjectInfo, RecoveryPointChoice, RetrievedStream, Session } from 'securestore';
import { Type } from 'typebox';
import { answerFramed, answerRaw, isConditional } from '../exchange/answer-object.ts';
import { dateIn } from '../request/body-values.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { BYTE_POSITION, exactly, FLAG, GIVEN_TIME, STORE_URL, reportOf, VERSION } from '../request/schemas.ts';

/** In a query everything is a text. */
const NUMBER = Type.String({ pattern: '^[1-9][0-9]{0,15}$', title: 'a whole number of at least 1' });
const TEXT = Type.String({ maxLength: 1024 });
const POINT = { at: Type.Optional(GIVEN_TIME), snapshot: Type.Optional(NUMBER) };
const MOMENT = { destination: Type.Optional(STORE_URL), ...POINT };
const PAGE = {
  prefix: Type.Optional(TEXT),
  after: Type.Optional(Type.String({ maxLength: 4096, description: 'what the page before said' })),
  limit: Type.Optional(NUMBER),
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
  'A page ends after a bounded amount of work: it may hold less than was asked for, or nothing, and not be the last one. Without "destination" it is about the store as it is now.';

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
    summary: 'where the store is backed up',
    answer: { description: 'them', json: exactly({ destinations: Type.Array(reportOf('a destination')) }) },
    handle: async ({ session, signal }) => ({ destinations: await session.recoveryPoints.destinations({ signal }) }),
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/timeline',
    access: 'recoveryPoints.timeline',
    summary: 'up to when the store can be restored from a destination, which spans of time, and which snapshots',
    query: exactly({
      destination: STORE_URL,
      before: Type.Optional(NUMBER),
      limit: Type.Optional(NUMBER),
      changes: Type.Optional(FLAG),
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
    summary: 'what lies in a folder at a moment, as far as it may be seen',
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
    summary: 'names that have a text in them at a moment, also of what was deleted, as far as they may be seen',
    description: ABOUT_PAGES,
    query: exactly({ ...MOMENT, ...PAGE, contains: TEXT }),
    answer: { description: 'a page', json: reportOf('a page of names') },
    handle: ({ session, query, signal }) =>
      session.recoveryPoints.find({ contains: query.contains, ...momentIn(query), ...pageIn(query), signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/compare',
    access: 'recoveryPoints.compare',
    summary: 'what differs between two points, or between one and now, as far as it may be seen',
    description: 'A page ends after a bounded amount of work: it may hold nothing, and not be the last one.',
    query: exactly({
      destination: STORE_URL,
      fromAt: Type.Optional(GIVEN_TIME),
      fromSnapshot: Type.Optional(NUMBER),
      toAt: Type.Optional(GIVEN_TIME),
      toSnapshot: Type.Optional(NUMBER),
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
    summary: 'what a key was over time, by what the store and a destination keep',
    query: exactly({ destination: Type.Optional(STORE_URL) }),
    answer: { description: 'its versions, newest first', json: reportOf('versions of a key') },
    handle: ({ session, rest, query, signal }) =>
      session.recoveryPoints.versions(decodeKey(rest), { ...query, signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/recovery-points/objects/{key}',
    access: 'recoveryPoints.retrieveStream',
    further: ['read', 'history'],
    summary:
      'the data of an object as it was at a point, or of an older version that the point still keeps, or a range of them',
    query: exactly({
      destination: STORE_URL,
      ...POINT,
      version: Type.Optional(VERSION),
      start: Type.Optional(BYTE_POSITION),
      end: Type.Optional(BYTE_POSITION),
    }),
    headers: { accept: `${RAW_TYPE} or ${FRAMED_TYPE}`, range: 'bytes=START-END, bytes=START- or bytes=-LAST' },
    answer: { description: 'the data', media: [RAW_TYPE, FRAMED_TYPE] },
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
    summary: 'receipts of the last drills and restores of a destination, the newest first',
    query: exactly({ destination: STORE_URL }),
    answer: { description: 'them', json: reportOf('receipts, signed by the store') },
    handle: ({ session, query, signal }) => session.recoveryPoints.receipts(query.destination, { signal }),
  }),
];
