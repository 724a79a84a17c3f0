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
    summary: 'long work that the caller has started over this server, the newest first',
    description: 'What has ended is kept for a day, and no more than the last 50, or 8 MiB.',
    answer: { description: 'records of work', json: exactly({ work: Type.Array(reportOf('a record')) }) },
    handle: async ({ session, work }) => ({
      work: await Promise.all(work.of(session.principal).map((entry) => recordFor(entry, session))),
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/work/{id}',
    access: 'authenticated',
    summary: 'one of them, with its report where it is done',
    answer: { description: 'a record of work', json: reportOf('a record') },
    handle: async ({ session, work, params }) => recordFor(work.find(params['id'] ?? '', session.principal), session),
  }),
  route({
    method: 'GET',
    path: '/v1/work/{id}/events',
    access: 'authenticated',
    summary: 'how far it is, and what comes of it, as events',
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
    summary: 'forget what came of work that has ended',
    answer: { description: 'it is forgotten', json: NOTHING },
    async handle({ session, work, params }) {
      work.forget(params['id'] ?? '', session.principal);
      return {};
    },
  }),
];
