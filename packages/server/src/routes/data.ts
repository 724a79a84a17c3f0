import { decodeKey, entityTagOf, FRAMED_TYPE, RAW_TYPE } from '@securestore/protocol';
import { Type } from 'typebox';
import { answerFramed, answerHead, answerRaw } from '../exchange/answer-object.ts';
import { conditionIn, ifAbsentOf, ifDamagedOf, ifVersionOf } from '../request/conditions.ts';
import { blamed, incomingObject } from '../exchange/incoming-object.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, flagOf, VERSION_AT, OBJECT_INFO, positionOf, VERSION } from '../request/schemas.ts';
import { chosenIn } from './objects.ts';

const BYTES = {
  start: Type.Optional(positionOf('the first byte of the range, from 0')),
  end: Type.Optional(positionOf('the end of the range, exclusive')),
};
const WHICH = { version: Type.Optional(VERSION), at: Type.Optional(VERSION_AT) };

function position(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/** The data of objects. */
export const DATA_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/objects/{key}',
    access: 'retrieveStream',
    summary: 'retrieve the data of an object, or a range of it',
    description: `With "Accept: ${FRAMED_TYPE}" the answer is in frames, and an error in the middle arrives with its code. Otherwise an error in the middle ends the connection.`,
    query: exactly({ ...WHICH, ...BYTES }),
    headers: {
      accept: `"${RAW_TYPE}" or "${FRAMED_TYPE}"`,
      range: '"bytes=START-END", "bytes=START-" or "bytes=-LAST"',
      'if-none-match': 'answered with 304 if this is the version',
      'if-match': 'answered with 412 if the version is another one',
      'if-range': 'the range is used only if this is the version',
    },
    answer: { description: 'the data, or with Range a part of it', media: [RAW_TYPE, FRAMED_TYPE] },
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
    summary: 'show the version, size, times and metadata of an object in headers',
    query: exactly(WHICH),
    answer: { description: 'headers only' },
    async handle(context) {
      const { session, rest, query, signal } = context;
      return answerHead(context, await session.info(decodeKey(rest), { ...chosenIn(query), signal }));
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/objects/{key}',
    access: 'store',
    summary: 'store an object, replacing the current version; older versions stay in the history',
    query: exactly({
      ifDamaged: Type.Optional(flagOf('store only if the current version is damaged; its data is lost')),
    }),
    headers: {
      'if-match': 'the entity tag of the version that must be the current one',
      'if-none-match': '"*": the object must not exist',
      'securestore-metadata': `with "${RAW_TYPE}": the metadata as JSON in ASCII`,
      'securestore-expires': `with "${RAW_TYPE}": when the object expires, as ISO 8601`,
    },
    body: 'message',
    answer: {
      description: 'the new version, once it is durable; its ETag is for the next If-Match',
      json: OBJECT_INFO,
    },
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
