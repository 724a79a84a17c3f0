import { decodeKey } from '@securestore/protocol';
import { Type } from 'typebox';
import { conditionIn, ifAbsentOf, ifDamagedOf, ifVersionOf } from '../request/conditions.ts';
import { bytesOf } from '../exchange/incoming-object.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import {
  CHANGED_OBJECT,
  exactly,
  FLAG,
  GIVEN_TIME,
  HISTORY_ENTRY,
  METADATA,
  OBJECT_INFO,
  VERSION,
} from '../request/schemas.ts';

const IF_MATCH = { 'if-match': 'the entity tag of the version that must be the current one' };
const WHICH = exactly({ version: Type.Optional(VERSION), at: Type.Optional(GIVEN_TIME) });

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
    summary: 'what is known of an object beside its data',
    query: WHICH,
    answer: { description: 'it', json: OBJECT_INFO },
    handle: ({ session, rest, query, signal }) => session.info(decodeKey(rest), { ...chosenIn(query), signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/exists/{key}',
    access: 'has',
    summary: 'whether there is an object',
    answer: { description: 'whether', json: exactly({ exists: Type.Boolean() }) },
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
    summary: 'whether an object holds exactly the data of the request',
    body: 'data',
    answer: { description: 'whether', json: exactly({ matches: Type.Boolean() }) },
    handle: async ({ session, rest, stream, signal }) => ({
      matches: await session.matches(decodeKey(rest), bytesOf(stream), { signal }),
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/history/{key}',
    access: 'history',
    summary: 'the retained versions of an object, newest first',
    answer: { description: 'them', json: exactly({ history: Type.Array(HISTORY_ENTRY) }) },
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
    summary: 'make a retained version current again, as a new one',
    headers: { ...IF_MATCH, 'if-none-match': '*: there must be no such object, as after a deletion' },
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
    summary: 'delete an object with its history, beyond recovery from this store',
    query: exactly({ ifDamaged: Type.Optional(FLAG) }),
    headers: { 'if-match': 'the entity tag of the newest version: of a deleted object that of its deletion' },
    answer: { description: 'whether anything was there', json: exactly({ existed: Type.Boolean() }) },
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
    summary: 'delete an object, and keep its history',
    headers: IF_MATCH,
    answer: { description: 'whether it existed', json: exactly({ existed: Type.Boolean() }) },
    handle: async ({ session, rest, headers, signal }) => ({
      existed: await session.delete(decodeKey(rest), { ...ifVersionOf(headers), signal }),
    }),
  }),
];
