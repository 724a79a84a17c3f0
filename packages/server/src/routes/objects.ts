import { decodeKey } from '@securestore/protocol';
import { Type } from 'typebox';
import { conditionIn, ifAbsentOf, ifDamagedOf, ifVersionOf } from '../request/conditions.ts';
import { bytesOf } from '../exchange/incoming-object.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import {
  CHANGED_OBJECT,
  exactly,
  flagOf,
  VERSION_AT,
  HISTORY_ENTRY,
  METADATA,
  OBJECT_INFO,
  VERSION,
} from '../request/schemas.ts';

const IF_MATCH = { 'if-match': 'the entity tag of the version that must be the current one' };
const WHICH = exactly({ version: Type.Optional(VERSION), at: Type.Optional(VERSION_AT) });

/** Which version of an object is meant. */
export function chosenIn({ version, at }: { readonly version?: string; readonly at?: string }): {
  readonly version?: string | undefined;
  readonly at?: Date | undefined;
} {
  return { version, at: at === undefined ? undefined : new Date(at) };
}

/** What is asked of single objects, but for their data. */
export const OBJECT_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/info/{key}',
    access: 'info',
    summary: 'show the version, size, times and metadata of an object',
    query: WHICH,
    answer: { description: 'the object without its data', json: OBJECT_INFO },
    handle: ({ session, rest, query, signal }) => session.info(decodeKey(rest), { ...chosenIn(query), signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/exists/{key}',
    access: 'has',
    summary: 'check whether an object exists',
    answer: { description: 'whether the object exists', json: exactly({ exists: Type.Boolean() }) },
    handle: async ({ session, rest, signal }) => ({ exists: await session.has(decodeKey(rest), { signal }) }),
  }),
  route({
    method: 'PUT',
    path: '/v1/metadata/{key}',
    access: 'setMetadata',
    summary: 'replace the metadata of an object, as a new version with the same data',
    headers: IF_MATCH,
    body: { json: exactly({ metadata: METADATA }) },
    answer: { description: 'the new version', json: CHANGED_OBJECT },
    handle: ({ session, rest, body, headers, signal }) =>
      session.setMetadata(decodeKey(rest), body.metadata, { ...ifVersionOf(headers), signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/matches/{key}',
    access: 'matches',
    summary: 'check whether the data of an object is exactly the body of the request',
    body: 'data',
    answer: { description: 'whether the data is the same', json: exactly({ matches: Type.Boolean() }) },
    handle: async ({ session, rest, stream, signal }) => ({
      matches: await session.matches(decodeKey(rest), bytesOf(stream), { signal }),
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/history/{key}',
    access: 'history',
    summary: 'list the retained versions of an object, newest first',
    answer: { description: 'the versions', json: exactly({ history: Type.Array(HISTORY_ENTRY) }) },
    handle: async ({ session, rest, signal }) => ({ history: await session.history(decodeKey(rest), { signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/undelete/{key}',
    access: 'undelete',
    summary: 'make the newest version before the deletion current again',
    answer: { description: 'the new version', json: CHANGED_OBJECT },
    handle: ({ session, rest, signal }) => session.undelete(decodeKey(rest), { signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/restore-version/{key}',
    access: 'restoreVersion',
    summary: 'make a retained version current again, as a new version',
    headers: { ...IF_MATCH, 'if-none-match': '"*": the object must not exist, as after a deletion' },
    body: { json: exactly({ version: VERSION }) },
    answer: { description: 'the new version', json: CHANGED_OBJECT },
    handle: ({ session, rest, body, headers, signal }) =>
      session.restoreVersion(decodeKey(rest), body.version, {
        ...conditionIn(ifVersionOf(headers), ifAbsentOf(headers)),
        signal,
      }),
  }),
  route({
    method: 'POST',
    path: '/v1/purge/{key}',
    access: 'purge',
    summary: 'delete an object with its history; this store cannot undo that',
    query: exactly({ ifDamaged: Type.Optional(flagOf('purge only if the newest version is damaged')) }),
    headers: { 'if-match': 'the entity tag of the newest version, which for a deleted object is that of its deletion' },
    answer: { description: 'whether there was anything to purge', json: exactly({ existed: Type.Boolean() }) },
    handle: async ({ session, rest, query, headers, signal }) => ({
      existed: await session.purge(decodeKey(rest), {
        ...conditionIn(ifVersionOf(headers), ifDamagedOf(query)),
        signal,
      }),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/v1/objects/{key}',
    access: 'delete',
    summary: 'delete an object and keep its history',
    headers: IF_MATCH,
    answer: { description: 'whether the object existed', json: exactly({ existed: Type.Boolean() }) },
    handle: async ({ session, rest, headers, signal }) => ({
      existed: await session.delete(decodeKey(rest), { ...ifVersionOf(headers), signal }),
    }),
  }),
];
