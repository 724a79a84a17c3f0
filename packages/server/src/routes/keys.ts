import { Type } from 'typebox';
import { answerJob } from '../exchange/answer-long.ts';
import { secretIn } from '../request/body-values.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, ID, NAME, reportOf, SECRET } from '../request/schemas.ts';
import { LONG } from './jobs.ts';

const TARGET = Type.String({ minLength: 1, maxLength: 64, description: 'the id of a key version, or a category' });
const KEYS = exactly({ encryptionKeys: Type.Array(reportOf('a key version')) });
const RECIPIENT = Type.String({ minLength: 1, maxLength: 200 });
const SLOT = Type.Union([exactly({ recipient: RECIPIENT }), ...SECRET.anyOf], {
  title: 'an object with one of "recipient", "passphrase", both texts, and "key", 32 bytes in base64url',
});

const NUMBER = Type.Integer({ minimum: 0 });
const PATTERNS = Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 4096 });

/** Secrets, keys, what is sealed with which, and who was granted a part of them. */
export const KEY_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/slots',
    access: 'slots.list',
    summary: 'the ways of unlocking the store',
    answer: { description: 'them', json: exactly({ slots: Type.Array(reportOf('a slot')) }) },
    handle: async ({ session, signal }) => ({ slots: await session.slots.list({ signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/slots',
    access: 'slots.add',
    summary: 'add a way of unlocking the store',
    body: { json: exactly({ slot: SLOT }) },
    answer: { description: 'the slot', json: reportOf('a slot') },
    handle: ({ session, body: { slot }, signal }) =>
      session.slots.add('recipient' in slot ? slot : secretIn(slot), { signal }),
  }),
  route({
    method: 'DELETE',
    path: '/v1/slots',
    access: 'slots.remove',
    summary: 'remove a way of unlocking the store; it takes 6 s',
    query: exactly({ id: ID }),
    answer: { description: 'where its secret opens backups still', json: reportOf('what became of it') },
    handle: ({ session, query, signal }) => session.slots.remove(query.id, { signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/encryption-keys',
    access: 'encryptionKeys.list',
    summary: 'all key versions and what they may be used for',
    answer: { description: 'them', json: KEYS },
    handle: async ({ session, signal }) => ({ encryptionKeys: await session.encryptionKeys.list({ signal }) }),
  }),
  route({
    method: 'GET',
    path: '/v1/encryption-keys/usage',
    access: 'encryptionKeys.usage',
    summary: 'how many objects lie under each key version',
    answer: { description: 'numbers by ids', json: reportOf('numbers by ids') },
    handle: ({ session, signal }) => session.encryptionKeys.usage({ signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/encryption-keys/destroy',
    access: 'encryptionKeys.destroy',
    summary: 'schedule a retired key version, or the keys of a category, to be destroyed; it takes 6 s',
    body: {
      json: exactly({
        target: TARGET,
        waitingPeriod: Type.Optional(Type.Number({ minimum: 0, description: 'milliseconds' })),
      }),
    },
    answer: { description: 'the key versions that are scheduled', json: KEYS },
    handle: async ({ session, body: { target, ...options }, signal }) => ({
      encryptionKeys: await session.encryptionKeys.destroy(target, { ...options, signal }),
    }),
  }),
  route({
    method: 'POST',
    path: '/v1/encryption-keys/undo',
    access: 'encryptionKeys.undo',
    summary: 'undo that keys are scheduled to be destroyed',
    body: { json: exactly({ target: TARGET }) },
    answer: { description: 'the key versions that stay', json: KEYS },
    handle: async ({ session, body, signal }) => ({
      encryptionKeys: await session.encryptionKeys.undo(body.target, { signal }),
    }),
  }),
  route({
    method: 'POST',
    path: '/v1/encryption-keys/destroy-due',
    access: 'encryptionKeys.destroyDue',
    summary: 'destroy now what was scheduled and whose time has come',
    answer: { description: 'what is gone', json: reportOf('what is gone, and what is needed still') },
    handle: ({ session, signal }) => session.encryptionKeys.destroyDue({ signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/settings',
    access: 'settings.get',
    summary: 'how the store was made, and was changed since',
    answer: { description: 'the settings', json: reportOf('the settings') },
    handle: ({ session, signal }) => session.settings.get({ signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/settings',
    access: 'settings.change',
    summary: 'change settings; other categories take 6 s, in which nothing else is answered',
    body: {
      json: exactly({
        categories: Type.Optional(
          Type.Record(Type.String({ minLength: 1, maxLength: 64 }), PATTERNS, {
            description: 'all categories from now on: patterns of keys by their names',
          }),
        ),
        history: Type.Optional(exactly({ versions: Type.Optional(NUMBER), days: Type.Optional(NUMBER) })),
        rotation: Type.Optional(exactly({ days: Type.Optional(NUMBER) })),
        ifVersion: Type.Optional(
          Type.String({ maxLength: 64, description: 'the version that the settings must have' }),
        ),
      }),
    },
    answer: { description: 'the settings as they are then', json: reportOf('the settings') },
    handle: ({ session, body: { ifVersion, ...changes }, signal }) =>
      session.settings.change(changes, { ...(ifVersion !== undefined && { ifVersion }), signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/members',
    access: 'members.list',
    summary: 'who was granted a part of the keys',
    answer: { description: 'them', json: exactly({ members: Type.Array(reportOf('a member')) }) },
    handle: async ({ session, signal }) => ({ members: await session.members.list({ signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/members',
    access: 'members.add',
    summary: 'grant keys to an identity',
    body: {
      json: exactly({
        name: NAME,
        recipient: RECIPIENT,
        categories: Type.Optional(Type.Array(NAME, { maxItems: 1024 })),
        areas: Type.Optional(Type.Array(Type.String({ enum: ['audit', 'backup'] }), { maxItems: 2 })),
      }),
    },
    answer: { description: 'the member', json: reportOf('a member') },
    handle: ({ session, body: { name, recipient, categories, areas }, signal }) =>
      session.members.add(name, recipient, { categories, areas: areas as 'audit'[] | undefined, signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/members/revoke',
    access: 'members.revoke',
    summary: 'take from a member what they were granted',
    description: LONG,
    body: { json: exactly({ name: NAME }) },
    answer: { description: 'what was done', json: reportOf('a report of a rotation') },
    handle: async (context) => answerJob(context, context.session.members.revoke(context.body.name)),
  }),
  route({
    method: 'POST',
    path: '/v1/members/revoke-all',
    access: 'members.revokeAll',
    summary: 'take from all members what they were granted',
    description: LONG,
    answer: { description: 'what was done', json: reportOf('a report of a rotation') },
    handle: async (context) => answerJob(context, context.session.members.revokeAll()),
  }),
];
