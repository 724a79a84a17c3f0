import type { ScheduleSettings } from 'securestore';
import { Type } from 'typebox';
import { answerJob } from '../exchange/answer-long.ts';
import { dateIn } from '../request/body-values.ts';
import { answerLook } from '../exchange/own-work.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, GIVEN_TIME, ID, STORE_URL, NOTHING, reportOf } from '../request/schemas.ts';
import { LONG } from './jobs.ts';

const AT = { destination: STORE_URL };
const POINT = { snapshot: Type.Optional(Type.Integer({ minimum: 1 })), at: Type.Optional(GIVEN_TIME) };

/** Backups, and what is done with them. */
export const BACKUP_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/backup',
    access: 'backup',
    further: ['backup.manage'],
    summary: 'make a snapshot',
    description: LONG,
    body: { json: exactly({ ...AT, label: Type.Optional(Type.String({ maxLength: 128 })) }) },
    answer: { description: 'the snapshot', json: reportOf('a report of a snapshot') },
    async handle(context) {
      const { destination, ...options } = context.body;
      return answerJob(context, context.session.backup(destination, options));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/restore',
    access: 'restore',
    further: ['restore.replace'],
    summary: 'restore objects of a snapshot into the store, each as a new version',
    description: LONG,
    body: {
      json: exactly({
        destination: STORE_URL,
        ...POINT,
        prefix: Type.Optional(Type.String({ maxLength: 1024 })),
        keys: Type.Optional(Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 10_000 })),
        into: Type.Optional(Type.String({ maxLength: 1024 })),
        conflict: Type.Optional(Type.String({ enum: ['fail', 'skip', 'newer', 'overwrite', 'rename'] })),
        deleteExtra: Type.Optional(Type.Boolean()),
        dryRun: Type.Optional(Type.Boolean()),
        verify: Type.Optional(Type.Boolean({ description: 'read back what was written, and compare it' })),
      }),
    },
    answer: { description: 'what was restored', json: reportOf('a report of a restore') },
    async handle(context) {
      const { destination, at, conflict, ...options } = context.body;
      const policy = conflict === undefined ? {} : { conflict: conflict as 'fail' };
      return answerJob(context, context.session.restore(destination, { ...options, ...policy, at: dateIn(at) }));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/restore/store',
    access: 'backups.restoreStore',
    further: ['backup.manage'],
    summary: 'make a new store of a snapshot, at a store URL with nothing there',
    description: LONG,
    body: {
      json: exactly({
        destination: STORE_URL,
        to: STORE_URL,
        ...POINT,
        prefix: Type.Optional(Type.String({ maxLength: 1024 })),
        partial: Type.Optional(Type.Boolean()),
      }),
    },
    answer: { description: 'what was restored', json: reportOf('a report of a restore') },
    async handle(context) {
      const { destination, to, at, ...options } = context.body;
      return answerJob(context, context.session.backups.restoreStore(destination, to, { ...options, at: dateIn(at) }));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/restore/end',
    access: 'backups.endRestore',
    summary: 'give up a restore of the whole store that was interrupted',
    answer: { description: 'it is ended', json: NOTHING },
    async handle({ session, signal }) {
      await session.backups.endRestore({ signal });
      return {};
    },
  }),
  route({
    method: 'GET',
    path: '/v1/backups',
    access: 'backups.list',
    summary: 'the snapshots at a destination, newest first',
    query: exactly(AT),
    answer: { description: 'them', json: exactly({ snapshots: Type.Array(reportOf('a snapshot')) }) },
    handle: async ({ session, query, signal }) => ({
      snapshots: await session.backups.list(query.destination, { signal }),
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/backups/windows',
    access: 'backups.windows',
    summary: 'the spans of time of which every moment can be restored, newest first',
    query: exactly(AT),
    answer: { description: 'them', json: exactly({ windows: Type.Array(reportOf('a span')) }) },
    handle: async ({ session, query, signal }) => ({
      windows: await session.backups.windows(query.destination, { signal }),
    }),
  }),
  route({
    method: 'POST',
    path: '/v1/backups/verify',
    access: 'backups.verify',
    summary: 'read what lies at a destination, and say what is wrong with it',
    description: LONG,
    body: {
      json: exactly({
        ...AT,
        depth: Type.Optional(Type.String({ enum: ['complete', 'opens'] })),
        snapshot: Type.Optional(Type.Integer({ minimum: 1 })),
        within: Type.Optional(Type.Number()),
      }),
    },
    answer: { description: 'what was found', json: reportOf('a report of a verification') },
    async handle(context) {
      const { destination, depth, ...options } = context.body;
      const how = depth === undefined ? {} : { depth: depth as 'complete' };
      return answerLook(context, 'verify-backup', (call) =>
        context.session.backups.verify(destination, { ...options, ...how, ...call }),
      );
    },
  }),
  route({
    method: 'POST',
    path: '/v1/backups/drill',
    access: 'backups.drill',
    further: ['backup.manage'],
    summary: 'restore a snapshot somewhere else, and see whether it works',
    description: LONG,
    body: { json: exactly({ ...AT, ...POINT, scratch: Type.Optional(STORE_URL) }) },
    answer: { description: 'what it has shown', json: reportOf('a report of a drill') },
    async handle(context) {
      const { destination, at, ...options } = context.body;
      return answerJob(context, context.session.backups.drill(destination, { ...options, at: dateIn(at) }));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/backups/retain',
    access: 'backups.retain',
    further: ['backup.manage'],
    summary: 'remove what a destination keeps no longer',
    body: {
      json: exactly({
        ...AT,
        retention: Type.Optional(reportOf('how much of the past is kept')),
        damaged: Type.Optional(Type.Boolean()),
        dryRun: Type.Optional(Type.Boolean()),
      }),
    },
    answer: { description: 'what was removed', json: reportOf('a report of a removal') },
    handle: ({ session, body: { destination, ...options }, signal }) =>
      session.backups.retain(destination, { ...options, signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/backups/forget',
    access: 'backups.forget',
    summary: 'remove snapshots of a destination',
    body: { json: exactly({ ...AT, snapshots: Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 10_000 }) }) },
    answer: { description: 'what was removed', json: reportOf('a report of a removal') },
    handle: ({ session, body: { destination, snapshots }, signal }) =>
      session.backups.forget(destination, () => snapshots, { signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/destinations',
    access: 'backups.destinations',
    summary: 'where the store is backed up',
    answer: { description: 'them', json: exactly({ destinations: Type.Array(reportOf('a destination')) }) },
    handle: async ({ session }) => ({ destinations: await session.backups.destinations() }),
  }),
  route({
    method: 'PUT',
    path: '/v1/destinations',
    access: 'backups.register',
    summary: 'register a destination before anything is backed up there',
    body: { json: exactly(AT) },
    answer: { description: 'it is registered', json: NOTHING },
    async handle({ session, body, signal }) {
      await session.backups.register(body.destination, { signal });
      return {};
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/destinations/retention',
    access: 'backups.setRetention',
    summary: 'say how much of the past a destination keeps',
    body: { json: exactly({ ...AT, retention: reportOf('how much of the past is kept') }) },
    answer: { description: 'it is set', json: NOTHING },
    async handle({ session, body, signal }) {
      await session.backups.setRetention(body.destination, body.retention, { signal });
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/destinations',
    access: 'backups.unregister',
    summary: 'have a destination follow the store no longer; nothing there is removed',
    query: exactly(AT),
    answer: { description: 'it is not registered any more', json: NOTHING },
    async handle({ session, query, signal }) {
      await session.backups.unregister(query.destination, { signal });
      return {};
    },
  }),
  route({
    method: 'GET',
    path: '/v1/schedules',
    access: 'schedules.list',
    summary: 'when the store is backed up, and how it goes',
    answer: { description: 'schedules', json: exactly({ schedules: Type.Array(reportOf('a schedule')) }) },
    handle: async ({ session, signal }) => ({ schedules: await session.schedules.list({ signal }) }),
  }),
  route({
    method: 'PUT',
    path: '/v1/schedules',
    access: 'schedules.add',
    further: ['backup.manage'],
    summary: 'add a schedule, or change the one of its id',
    body: { json: reportOf('a schedule: id, cron, task, destination and what else there is to it') },
    answer: { description: 'it is set', json: NOTHING },
    async handle({ session, body, signal }) {
      // The library says what is wrong with it, member by member.
      await session.schedules.add(body as unknown as ScheduleSettings, { signal });
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/schedules',
    access: 'schedules.remove',
    summary: 'remove a schedule',
    query: exactly({ id: ID }),
    answer: { description: 'it is removed', json: NOTHING },
    async handle({ session, query, signal }) {
      await session.schedules.remove(query.id, { signal });
      return {};
    },
  }),
  route({
    method: 'GET',
    path: '/v1/schedules/conditions',
    access: 'schedules.conditions',
    summary: 'what is not as it should be with the backups',
    answer: {
      description: 'for each destination',
      json: exactly({ conditions: Type.Array(reportOf('of a destination')) }),
    },
    handle: async ({ session, signal }) => ({ conditions: await session.schedules.conditions({ signal }) }),
  }),
];
