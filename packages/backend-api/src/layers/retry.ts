import { randomInt } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import { abortedError } from '../contract/errors.ts';
import { type Around, type BackendCall, type Layer, intercept } from './intercept.ts';
import { type Sleep, realSleep } from './sleep.ts';

export interface RetryOptions {
  /** How often a call is tried in all, from 1; 4 by default. */
  readonly attempts?: number;
  /** The upper bound of the first pause in milliseconds, doubled for each further one; 50 by default. */
  readonly baseDelay?: number;
  /** The upper bound of any pause in milliseconds; 2,000 by default. */
  readonly maxDelay?: number;
  /**
   * How many retries may be spent at once, over all calls; 100 by default. It should be more than may be under way
   * at once: a server or balancer that closes all connections fails them all. Each success gives a tenth of one back,
   * so that a server that fails everything is not sent a multiple of the load.
   */
  readonly budget?: number;
  readonly sleep?: Sleep;
  /** Called with each attempt that is repeated, and its error; it must not throw. */
  readonly onRetry?: (error: unknown, call: BackendCall) => void;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/**
 * Repeats calls whose error is `retryable`, after pauses with full jitter (Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015). It never repeats a conditional write that may have taken place: that error goes to the
 * caller with `outcome: 'unknown'`. An unconditional write is repeated, and when it fails for good after an attempt
 * that may have taken place, the error says `outcome: 'unknown'`, whatever the last attempt said. An attempt that was
 * cut off may land after a later one, so only what is the same whenever it lands should be written without a condition.
 */
export function retryLayer(options: RetryOptions = {}): Layer {
  const { attempts = 4, baseDelay = 50, maxDelay = 2_000, budget = 100 } = options;
  const { sleep = realSleep, random = cryptoRandom, onRetry } = options;
  return intercept((): Around => {
    let left = budget;
    return async (call, run) => {
      let uncertain = false;
      for (let attempt = 1; ; attempt += 1) {
        try {
          const result = await run(call.signal);
          left = Math.min(budget, left + 0.1);
          return result;
        } catch (error) {
          uncertain ||= SecureStoreError.is(error) && error.outcome === 'unknown';
          if (attempt >= attempts || left < 1 || !mayRepeat(call, error)) throw withOutcome(error, uncertain);
          left -= 1;
          onRetry?.(error, call);
          await pause(call, random() * Math.min(maxDelay, baseDelay * 2 ** (attempt - 1)), sleep, uncertain);
        }
      }
    };
  });
}

function mayRepeat(call: BackendCall, error: unknown): boolean {
  if (!SecureStoreError.is(error) || !error.retryable) return false;
  // What timed out may have been sent, even if the backend does not say so.
  return call.effect !== 'conditional' || (error.outcome !== 'unknown' && error.code !== 'TIMEOUT');
}

function withOutcome(error: unknown, uncertain: boolean): unknown {
  if (!uncertain || !SecureStoreError.is(error) || error.outcome === 'unknown') return error;
  const message = `${error.message.replace(/\.$/, '')}. An earlier attempt may have made the change.`;
  return SecureStoreError.from(error, { message, outcome: 'unknown', cause: error });
}

async function pause(call: BackendCall, milliseconds: number, sleep: Sleep, uncertain: boolean): Promise<void> {
  try {
    await sleep(milliseconds, call.signal);
  } catch (error) {
    if (call.signal?.aborted !== true) throw error;
    throw abortedError(call, call.signal.reason, uncertain ? 'unknown' : undefined);
  }
}

function cryptoRandom(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}
