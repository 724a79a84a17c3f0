import type { ScheduleSettings } from 'securestore';
import { Type } from 'typebox';
import { answerJob } from '../exchange/answer-long.ts';
import { dateIn } from '../request/body-values.ts';
import { answerLook } from '../exchange/own-work.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { DESTINATION, exactly, AT, idOf, NOTHING, reportOf, storeUrl, textOf } from '../request/schemas.ts';
import { LONG } from './jobs.ts';

const PLACE = { destination: DESTINATION };
const SNAPSHOT = Type.Integer({ minimum: 1, description: 'the number of a snapshot; default the newest' });
const POINT = { snapshot: Type.Optional(SNAPSHOT), at: Type.Optional(AT) };

const TAKE_OVER = Type.Optional(
  Type.Boolean({
    description:
      'take over the backups of the store that this one was restored from, which can then no longer use them; default false',
  }),
);

/** Backups, and what is done with them. */
export const BACKUP_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/backup',
    access: 'backup',
    further: ['backup.manage'],
    summary: 'back the store up to a destination, as a snapshot',
    description: LONG,
    body: {
      json: exactly({
        ...PLACE,
        label: Type.Optional(Type.String({ maxLength: 128, description: 'a label of the snapshot' })),
        takeOver: TAKE_OVER,
      }),
    },
    answer: { description: 'the report of the snapshot', json: reportOf('the report of the snapshot') },
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
        destination: DESTINATION,
        ...POINT,
        prefix: Type.Optional(textOf('only objects whose keys begin with this')),
        keys: Type.Optional(
          Type.Array(Type.String({ maxLength: 1024 }), {
            maxItems: 10_000,
            description: 'only the objects with these keys',
          }),
        ),
        into: Type.Optional(
          textOf(
            'restored keys begin with this instead of "prefix"; with "keys", their folder, or the new key of a single one',
          ),
        ),
        conflict: Type.Optional(
          Type.String({
            enum: ['fail', 'skip', 'newer', 'overwrite', 'rename'],
            description: 'what happens to objects that have another version; default fail',
          }),
        ),
        deleteExtra: Type.Optional(
          Type.Boolean({ description: 'delete objects under the restored keys that did not exist then' }),
        ),
        dryRun: Type.Optional(Type.Boolean({ description: 'report what would be restored, and change nothing' })),
        verify: Type.Optional(Type.Boolean({ description: 'read back what was written, and compare it' })),
      }),
    },
    answer: { description: 'the report of the restore', json: reportOf('the report of the restore') },
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
    summary: 'create a new store from a snapshot, at a store URL without a store',
    description: LONG,
    body: {
      json: exactly({
        destination: DESTINATION,
        to: storeUrl('the store URL of the new store'),
        ...POINT,
        prefix: Type.Optional(textOf('only objects whose keys begin with this')),
        partial: Type.Optional(Type.Boolean({ description: 'restore what is not damaged, and report the rest' })),
      }),
    },
    answer: { description: 'the report of the restore', json: reportOf('the report of the restore') },
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
    answer: { description: 'the restore is ended', json: NOTHING },
    async handle({ session, signal }) {
      await session.backups.endRestore({ signal });
      return {};
    },
  }),
  route({
    method: 'GET',
    path: '/v1/backups',
    access: 'backups.list',
    summary: 'list the snapshots at a destination, newest first',
    query: exactly(PLACE),
    answer: { description: 'the snapshots', json: exactly({ snapshots: Type.Array(reportOf('a snapshot')) }) },
    handle: async ({ session, query, signal }) => ({
      snapshots: await session.backups.list(query.destination, { signal }),
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/backups/windows',
    access: 'backups.windows',
    summary: 'list the windows in which every time can be restored, newest first',
    query: exactly(PLACE),
    answer: { description: 'the windows', json: exactly({ windows: Type.Array(reportOf('a window')) }) },
    handle: async ({ session, query, signal }) => ({
      windows: await session.backups.windows(query.destination, { signal }),
    }),
  }),
  route({
    method: 'POST',
    path: '/v1/backups/verify',
    access: 'backups.verify',
    summary: 'verify the backups at a destination',
    description: LONG,
    body: {
      json: exactly({
        ...PLACE,
        depth: Type.Optional(
          Type.String({
            enum: ['complete', 'opens'],
            description: 'complete, the default, reads every file; opens also decrypts everything in one snapshot',
          }),
        ),
        snapshot: Type.Optional(SNAPSHOT),
        within: Type.Optional(
          Type.Number({
            description: 'read only what is due, so that regular runs read everything within so many milliseconds',
          }),
        ),
      }),
    },
    answer: { description: 'the report of the verification', json: reportOf('the report of the verification') },
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
    summary: 'restore a snapshot to a scratch store, and check the result',
    description: LONG,
    body: {
      json: exactly({
        ...PLACE,
        ...POINT,
        scratch: Type.Optional(storeUrl('the store URL of the scratch store; default in memory')),
      }),
    },
    answer: { description: 'the report of the drill', json: reportOf('the report of the drill') },
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
    summary: 'remove what the retention of a destination no longer keeps',
    body: {
      json: exactly({
        ...PLACE,
        retention: Type.Optional(reportOf('which snapshots and windows are kept')),
        damaged: Type.Optional(
          Type.Boolean({ description: 'also remove damaged snapshots, and the recovery points that build on them' }),
        ),
        dryRun: Type.Optional(Type.Boolean({ description: 'report what would be removed, and change nothing' })),
      }),
    },
    answer: { description: 'the report of the removal', json: reportOf('the report of the removal') },
    handle: ({ session, body: { destination, ...options }, signal }) =>
      session.backups.retain(destination, { ...options, signal }),
  }),
  route({
    method: 'POST',
    path: '/v1/backups/forget',
    access: 'backups.forget',
    summary: 'remove snapshots of a destination',
    body: {
      json: exactly({
        ...PLACE,
        snapshots: Type.Array(Type.Integer({ minimum: 1 }), {
          maxItems: 10_000,
          description: 'the numbers of the snapshots',
        }),
      }),
    },
    answer: { description: 'the report of the removal', json: reportOf('the report of the removal') },
    handle: ({ session, body: { destination, snapshots }, signal }) =>
      session.backups.forget(destination, () => snapshots, { signal }),
  }),
  route({
    method: 'GET',
    path: '/v1/destinations',
    access: 'backups.destinations',
    summary: 'list the destinations of the store',
    answer: { description: 'the destinations', json: exactly({ destinations: Type.Array(reportOf('a destination')) }) },
    handle: async ({ session }) => ({ destinations: await session.backups.destinations() }),
  }),
  route({
    method: 'PUT',
    path: '/v1/destinations',
    access: 'backups.register',
    summary: 'register a destination before the first backup there',
    body: { json: exactly({ ...PLACE, takeOver: TAKE_OVER }) },
    answer: { description: 'the destination is registered', json: NOTHING },
    async handle({ session, body: { destination, ...options }, signal }) {
      await session.backups.register(destination, { ...options, signal });
      return {};
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/destinations/retention',
    access: 'backups.setRetention',
    summary: 'set which snapshots and windows a destination keeps',
    body: { json: exactly({ ...PLACE, retention: reportOf('which snapshots and windows are kept') }) },
    answer: { description: 'the retention is set', json: NOTHING },
    async handle({ session, body, signal }) {
      await session.backups.setRetention(body.destination, body.retention, { signal });
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/destinations',
    access: 'backups.unregister',
    summary: 'remove a destination from the store; nothing there is removed',
    query: exactly(PLACE),
    answer: { description: 'the destination is no longer registered', json: NOTHING },
    async handle({ session, query, signal }) {
      await session.backups.unregister(query.destination, { signal });
      return {};
    },
  }),
  route({
    method: 'GET',
    path: '/v1/schedules',
    access: 'schedules.list',
    summary: 'list the schedules of the store, with their last and next runs',
    answer: { description: 'the schedules', json: exactly({ schedules: Type.Array(reportOf('a schedule')) }) },
    handle: async ({ session, signal }) => ({ schedules: await session.schedules.list({ signal }) }),
  }),
  route({
    method: 'PUT',
    path: '/v1/schedules',
    access: 'schedules.add',
    further: ['backup.manage'],
    summary: 'add a schedule, or replace the one with its ID',
    body: { json: reportOf('a schedule: id, cron, task, destination, and its further settings') },
    answer: { description: 'the schedule is set', json: NOTHING },
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
    query: exactly({ id: idOf('the ID of the schedule') }),
    answer: { description: 'the schedule is removed', json: NOTHING },
    async handle({ session, query, signal }) {
      await session.schedules.remove(query.id, { signal });
      return {};
    },
  }),
  route({
    method: 'GET',
    path: '/v1/schedules/conditions',
    access: 'schedules.conditions',
    summary: 'list what is wrong with the backups, for each destination',
    answer: {
      description: 'the conditions of each destination',
      json: exactly({ conditions: Type.Array(reportOf('the conditions of a destination')) }),
    },
    handle: async ({ session, signal }) => ({ conditions: await session.schedules.conditions({ signal }) }),
  }),
];
