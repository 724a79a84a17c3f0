import { timeoutError } from '../contract/errors.ts';
import { type Around, type Layer, intercept } from './intercept.ts';
import { type Sleep, realSleep } from './sleep.ts';

export interface TimeoutOptions {
  /** How long one call may take, in milliseconds. */
  readonly milliseconds: number;
  readonly sleep?: Sleep;
}

/** Why a timer isn't needed any more: one error for all, since making one takes longer than many a call. */
const OVER = new Error('the call has ended');

/**
 * Ends every call after a time with `TIMEOUT`, aborting what is under way without waiting for it. A write, deletion or
 * batch that is cut off may have taken place, so its error says `outcome: 'unknown'`.
 */
export function timeoutLayer({ milliseconds, sleep = realSleep }: TimeoutOptions): Layer {
  return intercept((): Around => async (call, run) => {
    const cut = new AbortController();
    const done = new AbortController();
    const signal = call.signal === undefined ? cut.signal : AbortSignal.any([call.signal, cut.signal]);
    const expired = sleep(milliseconds, done.signal).then(() => {
      const error = timeoutError(call, milliseconds, call.effect === 'none' ? undefined : 'unknown');
      cut.abort(error);
      throw error;
    });
    try {
      return await Promise.race([run(signal), expired]);
    } catch (error) {
      // A backend that answers the cut with ABORTED may get here before the timeout itself does.
      throw cut.signal.aborted ? cut.signal.reason : error;
    } finally {
      done.abort(OVER);
    }
  });
}
