import { Type } from 'typebox';
import { answerJob } from '../exchange/answer-long.ts';
import { secretIn } from '../request/body-values.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, idOf, NAME, nameOf, reportOf, SECRET } from '../request/schemas.ts';
import { LONG } from './jobs.ts';

const TARGET = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'the ID of a key version, or the name of a category',
});
const KEYS = exactly({ encryptionKeys: Type.Array(reportOf('a key version')) });
const RECIPIENT = Type.String({ minLength: 1, maxLength: 200, description: 'the recipient of an identity' });
const MEMBER = nameOf('the name of the member');
const SLOT = Type.Union([exactly({ recipient: RECIPIENT }), ...SECRET.anyOf], {
  title: 'an object with one of "recipient", "passphrase", both texts, and "key", 32 bytes in base64url',
  description: 'the new unlock secret, or the recipient whose identity unlocks the store',
});

const NUMBER = Type.Integer({ minimum: 0 });
const PATTERNS = Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 4096 });

/** Secrets, keys, what is sealed with which, and who was granted a part of them. */
export const KEY_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/slots',
    access: 'slots.list',
    summary: 'list the slots of the store',
    answer: { description: 'the slots', json: exactly({ slots: Type.Array(reportOf('a slot')) }) },
    handle: async ({ session, signal }) => ({ slots: await session.slots.list({ signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/slots',
    access: 'slots.add',
    summary: 'add a slot, which unlocks the store',
    body: { json: exactly({ slot: SLOT }) },
    answer: { description: 'the slot', json: reportOf('a slot') },
    handle: ({ session, body: { slot }, signal }) =>
      session.slots.add('recipient' in slot ? slot : secretIn(slot), { signal }),
  }),
  route({
    method: 'DELETE',
    path: '/v1/slots',
    access: 'slots.remove',
    summary: 'remove a slot; the call takes 6 s',
    query: exactly({ id: idOf('the ID of the slot') }),
    answer: {
      description: 'the backups that its secret still unlocks',
      json: reportOf('the backups that its secret still unlocks'),
    },
    handle: ({ session, query, signal }) => session.slots.remove(query.id, { signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/encryption-keys',
    access: 'encryptionKeys.list',
    summary: 'list the key versions and their states',
    answer: { description: 'the key versions', json: KEYS },
    handle: async ({ session, signal }) => ({ encryptionKeys: await session.encryptionKeys.list({ signal }) }),
  }),
  route({
    method: 'GET',
    path: '/v1/encryption-keys/usage',
    access: 'encryptionKeys.usage',
    summary: 'count the objects under each key version',
    answer: { description: 'the counts by key version', json: reportOf('the counts by key version') },
    handle: ({ session, signal }) => session.encryptionKeys.usage({ signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/encryption-keys/destroy',
    access: 'encryptionKeys.destroy',
    summary: 'schedule the destruction of a retired key version, or of the keys of a category; the call takes 6 s',
    body: {
      json: exactly({
        target: TARGET,
        waitingPeriod: Type.Optional(
          Type.Number({ minimum: 0, description: 'how long the destruction can be undone, in milliseconds' }),
        ),
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
    summary: 'undo a destruction that is scheduled',
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
    summary: 'destroy the keys whose waiting period has passed',
    answer: {
      description: 'the keys that are destroyed',
      json: reportOf('the keys that are destroyed, and those that are still needed'),
    },
    handle: ({ session, signal }) => session.encryptionKeys.destroyDue({ signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/settings',
    access: 'settings.get',
    summary: 'show the settings of the store',
    answer: { description: 'the settings', json: reportOf('the settings') },
    handle: ({ session, signal }) => session.settings.get({ signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/settings',
    access: 'settings.change',
    summary: 'change the settings; a change of categories takes 6 s, in which nothing else is answered',
    body: {
      json: exactly({
        categories: Type.Optional(
          Type.Record(Type.String({ minLength: 1, maxLength: 64 }), PATTERNS, {
            description: 'all categories from now on: patterns of keys by the name of the category',
          }),
        ),
        history: Type.Optional(
          exactly(
            { versions: Type.Optional(NUMBER), days: Type.Optional(NUMBER) },
            'how many versions, and versions of how many days, the history keeps',
          ),
        ),
        rotation: Type.Optional(
          exactly({ days: Type.Optional(NUMBER) }, 'the age at which encryption keys are rotated; 0 for never'),
        ),
        ifVersion: Type.Optional(
          Type.String({ maxLength: 64, description: 'the version that the settings must have' }),
        ),
      }),
    },
    answer: { description: 'the settings after the change', json: reportOf('the settings') },
    handle: ({ session, body: { ifVersion, ...changes }, signal }) =>
      session.settings.change(changes, { ...(ifVersion !== undefined && { ifVersion }), signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/members',
    access: 'members.list',
    summary: 'list the members',
    answer: { description: 'the members', json: exactly({ members: Type.Array(reportOf('a member')) }) },
    handle: async ({ session, signal }) => ({ members: await session.members.list({ signal }) }),
  }),
  route({
    method: 'POST',
    path: '/v1/members',
    access: 'members.add',
    summary: 'add a member: grant the encryption keys of categories or areas to an identity',
    body: {
      json: exactly({
        name: MEMBER,
        recipient: RECIPIENT,
        categories: Type.Optional(
          Type.Array(NAME, { maxItems: 1024, description: 'the categories whose encryption keys are granted' }),
        ),
        areas: Type.Optional(
          Type.Array(Type.String({ enum: ['audit', 'backup'] }), {
            maxItems: 2,
            description: 'the areas whose encryption keys are granted',
          }),
        ),
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
    summary: 'revoke a member, and rotate the encryption keys that the member held',
    description: LONG,
    body: { json: exactly({ name: MEMBER }) },
    answer: { description: 'the report of the rotation', json: reportOf('the report of the rotation') },
    handle: async (context) => answerJob(context, context.session.members.revoke(context.body.name)),
  }),
  route({
    method: 'POST',
    path: '/v1/members/revoke-all',
    access: 'members.revokeAll',
    summary: 'revoke all members, and rotate the encryption keys that they held',
    description: LONG,
    answer: { description: 'the report of the rotation', json: reportOf('the report of the rotation') },
    handle: async (context) => answerJob(context, context.session.members.revokeAll()),
  }),
];
