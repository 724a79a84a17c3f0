import { decodeKey, entityTagOf, FRAMED_TYPE, RAW_TYPE } from '@securestore/protocol';
import { Type } from 'typebox';
import { answerFramed, answerHead, answerRaw } from '../exchange/answer-object.ts';
import { conditionIn, ifAbsentOf, ifDamagedOf, ifVersionOf } from '../request/conditions.ts';
import { blamed, incomingObject } from '../exchange/incoming-object.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { BYTE_POSITION, exactly, FLAG, GIVEN_TIME, OBJECT_INFO, VERSION } from '../request/schemas.ts';
import { chosenIn } from './objects.ts';

const WHICH = { version: Type.Optional(VERSION), at: Type.Optional(GIVEN_TIME) };

function position(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/** The data of objects. */
export const DATA_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/objects/{key}',
    access: 'retrieveStream',
    summary: 'the data of an object, or a range of them',
    description: `With "Accept: ${FRAMED_TYPE}" in frames, where an error in the middle arrives with its code; else an error in the middle ends the connection.`,
    query: exactly({ ...WHICH, start: Type.Optional(BYTE_POSITION), end: Type.Optional(BYTE_POSITION) }),
    headers: {
      accept: `${RAW_TYPE} or ${FRAMED_TYPE}`,
      range: 'bytes=START-END, bytes=START- or bytes=-LAST',
      'if-none-match': 'answered with 304 where the version is this one',
      'if-match': 'answered with 412 where the version is another one',
      'if-range': 'the range counts only where the version is this one',
    },
    answer: { description: 'the data', media: [RAW_TYPE, FRAMED_TYPE] },
    async handle(context) {
      const { rest, query, headers, signal } = context;
      const key = decodeKey(rest);
      const range = { start: position(query.start), end: position(query.end) };
      const options = { ...chosenIn(query), ...range, signal };
      const framed = headers.accept?.includes(FRAMED_TYPE) === true;
      return framed ? answerFramed(context, key, options) : answerRaw(context, key, options);
    },
  }),
  route({
    method: 'HEAD',
    path: '/v1/objects/{key}',
    access: 'info',
    summary: 'what is known of an object, as headers',
    query: exactly(WHICH),
    answer: { description: 'nothing but headers' },
    async handle(context) {
      const { session, rest, query, signal } = context;
      return answerHead(context, await session.info(decodeKey(rest), { ...chosenIn(query), signal }));
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/objects/{key}',
    access: 'store',
    summary: 'store an object, replacing what is there; older versions stay in the history',
    query: exactly({ ifDamaged: Type.Optional(FLAG) }),
    headers: {
      'if-match': 'the entity tag of the version that must be the current one',
      'if-none-match': '*: there must be no such object',
      'securestore-metadata': `with ${RAW_TYPE}: the metadata as JSON in ASCII`,
      'securestore-expires': `with ${RAW_TYPE}: when the object expires, as ISO 8601`,
    },
    body: 'message',
    answer: { description: 'the new version, once it is durable; ETag is for the next If-Match', json: OBJECT_INFO },
    async handle(context) {
      const { session, rest, query, headers, signal } = context;
      const key = decodeKey(rest);
      const condition = conditionIn(ifVersionOf(headers), ifAbsentOf(headers), ifDamagedOf(query));
      const { data, close, ...about } = await incomingObject(context);
      try {
        const stored = await session.store(key, data, { ...about, ...condition, signal });
        context.reply.header('etag', entityTagOf(stored.version));
        return stored;
      } catch (error) {
        throw blamed(error);
      } finally {
        await close();
      }
    },
  }),
];
