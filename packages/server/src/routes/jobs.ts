import { SecureStoreError } from '@securestore/core-format';
import type { Session } from 'securestore';
import { Type } from 'typebox';
import { answerJob, answerLong } from '../exchange/answer-long.ts';
import { secretIn } from '../request/body-values.ts';
import { answerLook } from '../exchange/own-work.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, NOTHING, reportOf, secretOf } from '../request/schemas.ts';

const NUMBER = Type.Integer({ minimum: 0 });

/** What takes long is answered when it is done, or in events. */
export const LONG =
  'With "Accept: text/event-stream" the answer is events: "job" with its ID, "progress", then "report" or "error".';

/** The progress of a job, of which no more is told once it may not be seen any more. @throws SecureStoreError `ACCESS_DENIED`, `UNAUTHENTICATED` */
async function* whileAllowed<T>(progress: AsyncIterable<T>, session: Pick<Session, 'allows'>): AsyncGenerator<T> {
  for await (const step of progress) {
    if (!(await session.allows('jobs'))) {
      throw new SecureStoreError('ACCESS_DENIED', 'jobs.list: jobs is not allowed', {
        advice: [{ id: 'ask-for-permission', action: 'jobs' }],
      });
    }
    yield step;
  }
}

/** Long work, and what is done about it. */
export const JOB_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/jobs',
    access: 'jobs.list',
    summary: 'list the unfinished jobs of the store, of every process',
    answer: { description: 'the jobs', json: exactly({ jobs: Type.Array(reportOf('a job')) }) },
    handle: async ({ session, signal }) => ({ jobs: await session.jobs.list({ signal }) }),
  }),
  route({
    method: 'GET',
    path: '/v1/jobs/{id}/events',
    access: 'jobs.list',
    summary: 'show the progress of a job that runs at this server, as events',
    answer: { description: 'events "progress"', media: ['text/event-stream'] },
    async handle(context) {
      const { session, jobs, params, signal } = context;
      const isFree = await session.allows('jobs', undefined, { signal });
      const unfinished = await session.jobs.list({ signal });
      const progress = jobs.progressOf(params['id'] ?? '');
      if (progress === undefined) {
        const isThere = unfinished.some(({ id }) => id === params['id']);
        const id = params['id'] ?? '';
        const message = isThere ? `job ${id} does not run at this server` : 'the job does not exist';
        throw new SecureStoreError('NOT_FOUND', message, { advice: [{ id: 'list-jobs' }] });
      }
      const headers = { ...context.headers, accept: 'text/event-stream' };
      // What took an approval has used it up for all that follows.
      const shown = isFree ? whileAllowed(progress, session) : progress;
      return answerLong({ ...context, headers }, { progress: shown, result: Promise.resolve(null) });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/jobs/{id}/resume',
    access: 'jobs.resume',
    further: ['backup.manage', 'verify'],
    summary: 'resume a job that no process runs',
    description: LONG,
    answer: { description: 'the report of the job', json: reportOf('the report of the job') },
    handle: async (context) => answerJob(context, context.session.jobs.resume(context.params['id'] ?? '')),
  }),
  route({
    method: 'POST',
    path: '/v1/jobs/{id}/cancel',
    access: 'jobs.cancel',
    summary: 'cancel a job, which can be resumed; the caller who started it at this server needs no permission',
    answer: { description: 'the job was asked to stop', json: NOTHING },
    async handle({ session, jobs, params, signal }) {
      const id = params['id'] ?? '';
      if (!jobs.cancelOwn(id, session.principal)) await session.jobs.cancel(id, { signal });
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/jobs/{id}',
    access: 'jobs.forget',
    summary: 'give up a job that no process runs',
    answer: { description: 'the job is forgotten', json: NOTHING },
    async handle({ session, params, signal }) {
      await session.jobs.forget(params['id'] ?? '', { signal });
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/v1/rotate',
    access: 'rotateEncryptionKey',
    summary: 'replace an unlock secret, and rotate the encryption keys under it',
    description: LONG,
    body: {
      json: exactly({
        oldUnlockSecret: secretOf('the present unlock secret'),
        newUnlockSecret: secretOf('the unlock secret that replaces it'),
        depth: Type.Optional(
          Type.String({ enum: ['unlock', 'keys', 'data'], description: 'how much is rotated; default keys' }),
        ),
      }),
    },
    answer: { description: 'the report of the rotation', json: reportOf('the report of the rotation') },
    async handle(context) {
      const { oldUnlockSecret, newUnlockSecret, depth } = context.body;
      const options = depth === undefined ? {} : { depth: depth as 'unlock' | 'keys' | 'data' };
      return answerJob(
        context,
        context.session.rotateEncryptionKey(secretIn(oldUnlockSecret), secretIn(newUnlockSecret), options),
      );
    },
  }),
  route({
    method: 'POST',
    path: '/v1/checkpoint',
    access: 'checkpoint',
    summary: 'record what the store holds, for the next verification',
    description: LONG,
    body: {
      json: exactly({
        afresh: Type.Optional(
          Type.Boolean({ description: 'accept the present objects as they are, whatever the last checkpoint says' }),
        ),
      }),
    },
    answer: { description: 'the report of the checkpoint', json: reportOf('the report of the checkpoint') },
    handle: async (context) => answerJob(context, context.session.checkpoint(context.body)),
  }),
  route({
    method: 'POST',
    path: '/v1/gc',
    access: 'gc',
    summary: 'remove what the store no longer keeps',
    description: LONG,
    body: {
      json: exactly({
        dryRun: Type.Optional(Type.Boolean({ description: 'only count what would be removed; change nothing' })),
        history: Type.Optional(
          exactly(
            { versions: Type.Optional(NUMBER), days: Type.Optional(NUMBER) },
            'with dryRun: count what would be removed if the history kept these',
          ),
        ),
        ahead: Type.Optional(
          Type.Number({
            minimum: 0,
            description: 'with dryRun: count what would be removed so many milliseconds from now',
          }),
        ),
      }),
    },
    answer: {
      description: 'the report of the garbage collection',
      json: reportOf('the report of the garbage collection'),
    },
    handle: async (context) => answerJob(context, context.session.gc(context.body)),
  }),
  route({
    method: 'POST',
    path: '/v1/verify',
    access: 'verify',
    summary: 'read everything, and compare it with the last checkpoint',
    description: LONG,
    body: {
      json: exactly({ payloads: Type.Optional(Type.Boolean({ description: 'also read and decrypt all payloads' })) }),
    },
    answer: { description: 'the report of the verification', json: reportOf('the report of the verification') },
    async handle(context) {
      const { session, body } = context;
      return answerLook(context, 'verify', (call) => session.verify({ ...body, ...call }));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/scrub',
    access: 'scrub',
    further: ['restore.replace'],
    summary: 'read everything in the background; with "repair", repair damaged objects from a backup',
    description: LONG,
    body: {
      json: exactly({
        rate: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'the highest rate, in bytes a second' })),
        within: Type.Optional(
          Type.Number({ exclusiveMinimum: 0, description: 'how long the whole scrub may take, in milliseconds' }),
        ),
        payloads: Type.Optional(
          Type.Boolean({ description: 'whether the payloads of large objects are read too; default true' }),
        ),
        repair: Type.Optional(
          Type.String({
            maxLength: 4096,
            description: 'the store URL of a destination, whose backup repairs damaged objects',
          }),
        ),
      }),
    },
    answer: { description: 'the report of the scrub', json: reportOf('the report of the scrub') },
    handle: async (context) => answerJob(context, context.session.scrub(context.body)),
  }),
];
