import { randomBytes } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import { Latest } from '@securestore/protocol';
import type { Job, JobProgress } from 'securestore';
import { answerJob, answerLong } from './answer-long.ts';
import type { JobContext } from './answer-long.ts';
import { mayRead, resultFor } from '../work/work.ts';

/** One caller may have so much work running at once, whether or not the answers are read. */
export const MAX_UNDER_WAY = 16;

/** How far something is, as it tells itself. */
type Step = Pick<JobProgress, 'done' | 'bytes'> & Partial<Pick<JobProgress, 'phase' | 'total'>>;

/** Work that looks at something and changes nothing. */
type Look = (options: { readonly signal: AbortSignal; readonly onProgress: (step: Step) => void }) => Promise<unknown>;

/** The job of a look: the store knows nothing of it, so that it ends with the server. */
function jobOf(name: string, look: Look, stopping: AbortSignal): Job<unknown> {
  const stop = new AbortController();
  const cancel = (reason?: string): void => {
    const why = reason === undefined ? '' : ` (${reason})`;
    stop.abort(new SecureStoreError('ABORTED', `the work was cancelled${why}`));
  };
  const onStopping = (): void => cancel('the server is stopping');
  stopping.addEventListener('abort', onStopping, { once: true });
  const progress = new Latest<JobProgress>();
  const onProgress = (step: Step): void => progress.set({ phase: 'verifying', rate: 0, ...step });
  const result = look({ signal: stop.signal, onProgress }).finally(() => {
    stopping.removeEventListener('abort', onStopping);
    progress.end();
  });
  return Object.assign(result, { id: `${name}-${randomBytes(8).toString('hex')}`, progress, cancel });
}

/**
 * Answers with work that looks at something. It continues if no client listens any more, as jobs of the store do, and what came of it is
 * kept; whoever asks for the same while it is under way follows that, so that nothing is looked at twice at once for somebody who has
 * loaded a page anew.
 *
 * @throws SecureStoreError `THROTTLED` if too much of the caller is under way: connections that were left bound it no more
 */
export async function answerLook(context: JobContext, name: string, look: Look): Promise<unknown> {
  const { work, route, body, session, stopping } = context;
  const { principal } = session;
  const entry = work.underWay({ principal, route: `${route.method} ${route.path}`, asked: body });
  // Who may do it no more is refused as whoever begins it.
  if (entry === undefined || !(await mayRead(entry, session))) {
    const all = work.of(principal).filter(({ ended }) => ended === undefined);
    if (all.length < MAX_UNDER_WAY) return answerJob(context, jobOf(name, look, stopping));
    throw new SecureStoreError(
      'THROTTLED',
      `the caller already has ${all.length} pieces of work running at this server`,
      { advice: [{ id: 'wait-for-job', job: all[0]?.job.id ?? '' }] },
    );
  }
  const { id, job } = entry;
  return answerLong(context, { result: resultFor(entry, session), progress: job.progress, id: job.id, record: id });
}
