import { Type } from 'typebox';
import { answerLong } from '../exchange/answer-long.ts';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, NOTHING, reportOf } from '../request/schemas.ts';
import { recordFor, resultFor } from '../work/work.ts';

/** What came of long work, also where its answer was lost: for whoever has started it, and for no one else. */
export const WORK_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/work',
    access: 'authenticated',
    summary: 'list the jobs that the caller has started at this server, newest first',
    description:
      'The server keeps what has ended for a day: of one caller at most the last 50 jobs, and at most 8 MiB.',
    answer: {
      description: 'the records of the jobs',
      json: exactly({ work: Type.Array(reportOf('a record of a job')) }),
    },
    handle: async ({ session, work }) => ({
      work: await Promise.all(work.of(session.principal).map((entry) => recordFor(entry, session))),
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/work/{id}',
    access: 'authenticated',
    summary: 'show a job that the caller has started, with its report when it is done',
    answer: { description: 'the record of the job', json: reportOf('a record of a job') },
    handle: async ({ session, work, params }) => recordFor(work.find(params['id'] ?? '', session.principal), session),
  }),
  route({
    method: 'GET',
    path: '/v1/work/{id}/events',
    access: 'authenticated',
    summary: 'show the progress and the result of a job that the caller has started, as events',
    answer: { description: 'events "job", "progress", then "report" or "error"', media: ['text/event-stream'] },
    async handle(context) {
      const { session, work, params } = context;
      const entry = work.find(params['id'] ?? '', session.principal);
      const { job } = entry;
      const headers = { ...context.headers, accept: 'text/event-stream' };
      const result = resultFor(entry, session);
      return answerLong({ ...context, headers }, { result, progress: job.progress, id: job.id, record: entry.id });
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/work/{id}',
    access: 'authenticated',
    summary: 'forget the result of a job that has ended',
    answer: { description: 'the result is forgotten', json: NOTHING },
    async handle({ session, work, params }) {
      work.forget(params['id'] ?? '', session.principal);
      return {};
    },
  }),
];
