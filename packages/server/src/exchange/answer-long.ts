import { setTimeout as wait } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { encodeEvent, EVENTS_TYPE, KEEP_ALIVE, toProblem } from '@securestore/protocol';
import type { ServerEvent } from '@securestore/protocol';
import { ADMINISTRATION } from '@securestore/acl';
import type { AdministrationCall } from '@securestore/acl';
import type { Job } from 'securestore';
import type { RouteContext } from './route.ts';

type Context = Pick<RouteContext, 'headers' | 'reply' | 'session' | 'stopping'>;
/** What long work is answered with. */
export type JobContext = Context & Pick<RouteContext, 'jobs' | 'work' | 'route' | 'body'>;

/** Calls whose requests hold secrets: they are not remembered. */
const SECRET: ReadonlySet<string> = new Set(['rotateEncryptionKey', 'slots.add']);

/** How often something is sent while nothing happens, in milliseconds. */
const KEEP_ALIVE_EVERY = 15_000;

/** Long work: its result, and how far it is. */
export interface LongWork {
  readonly result: Promise<unknown>;
  readonly progress: AsyncIterable<unknown>;
  readonly id?: string;
  /** Of the record of it, which can be asked for later. */
  readonly record?: string;
}

/** Rejects when the server is to stop, unless `settled` comes first. */
function rejectedBy(stopping: AbortSignal, settled: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  if (stopping.aborted) reject(stopping.reason);
  else stopping.addEventListener('abort', () => reject(stopping.reason), { signal: settled });
  return promise;
}

/** The next step, or `undefined` where it takes so long that a sign of life is due. */
async function nextStep<T>(next: Promise<T>, stopping: AbortSignal): Promise<T | undefined> {
  const settled = new AbortController();
  const stopped = rejectedBy(stopping, settled.signal);
  const silence = wait(KEEP_ALIVE_EVERY, undefined, { signal: settled.signal, ref: false }).catch(() => undefined);
  try {
    return await Promise.race([next, silence, stopped]);
  } finally {
    settled.abort();
  }
}

const event = (type: ServerEvent['type'], data: unknown): string => encodeEvent({ type, data });

/** What happens, as it happens; what came of it last. */
async function* eventsOf(
  { result, id, record }: LongWork,
  steps: AsyncIterator<unknown>,
  first: Promise<IteratorResult<unknown>>,
  requestId: string,
  stopping: AbortSignal,
): AsyncGenerator<string> {
  try {
    if (id !== undefined) yield event('job', { id, record });
    for (let next = first; ;) {
      const step = await nextStep(next, stopping);
      if (step?.done === true) break;
      yield step === undefined ? KEEP_ALIVE : event('progress', step.value);
      if (step !== undefined) next = steps.next();
    }
    let last: string | undefined;
    const told = result.then(
      (report) => event('report', report),
      (error: unknown) => event('error', toProblem(error, requestId)),
    );
    while (last === undefined) {
      last = await nextStep(told, stopping);
      yield last ?? KEEP_ALIVE;
    }
  } catch (error) {
    yield event('error', toProblem(error, requestId));
  } finally {
    steps.return?.().catch(() => undefined);
  }
}

/**
 * Answers with long work: in events for those who want to see how far it is, else with its result when it is done. What refuses it before it
 * begins is an error like any other. Work that is a job goes on though nobody waits for it any more.
 */
export async function answerLong({ headers, reply, stopping }: Context, work: LongWork): Promise<unknown> {
  const { result, progress } = work;
  result.catch(() => undefined);
  if (headers.accept?.includes(EVENTS_TYPE) !== true) {
    const settled = new AbortController();
    return Promise.race([result, rejectedBy(stopping, settled.signal)]).finally(() => settled.abort());
  }
  const steps = progress[Symbol.asyncIterator]();
  const first = steps.next();
  first.catch(() => undefined);
  const begun = await Promise.race([first.then(({ done }) => done !== true), result.then(() => true)]);
  // It ended before it began: what keeps it from that is told.
  if (!begun) await result;
  reply.type(EVENTS_TYPE);
  return Readable.from(eventsOf(work, steps, first, reply.request.id, stopping), { objectMode: false });
}

/** Answers with a job, which its principal may stop, and whose report they may ask for again. */
export function answerJob(context: JobContext, job: Job<unknown>): Promise<unknown> {
  const { jobs, work, route, body, session } = context;
  const { principal } = session;
  jobs.add(job, principal);
  // What a scrub has found names objects, whoever resumes it.
  const action = ADMINISTRATION[job.id === 'scrub' ? 'scrub' : (route.access as AdministrationCall)];
  const asked = SECRET.has(route.access) ? undefined : body;
  const { id: record } = work.add(job, { principal, action, route: `${route.method} ${route.path}`, asked });
  // As a promise of its own: returned from an async function a job would be awaited, and nothing else.
  const result = job.finally(() => undefined);
  return answerLong(context, { result, progress: job.progress, id: job.id, record });
}
