import type { Clock } from '@securestore/jobs';
import { abortable, settledSoon } from '../util/abort.ts';
import { callSignal, checkOptions, inContext, signalOf } from './call-boundary.ts';
import { NO_OPTIONS } from './operations.ts';
import type { CallOptions } from './types.ts';

/**
 * Runs a call that changes nothing, or the part of one before it changes anything: it ends when its signal or its timeout
 * does, whatever `body` waits for.
 *
 * @param operation what this is called in errors
 * @throws SecureStoreError `TIMEOUT`, `ABORTED`, `INVALID_ARGUMENT` for options that there are not, what `body` throws
 */
export async function inTime<T>(
  operation: string,
  options: CallOptions | undefined,
  body: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const signal = endOf(operation, options);
  return described(operation, signal, () => abortable(body(signal), signal));
}

/**
 * Runs a call that changes something. Once its signal or its timeout has ended it, it has a second to say what became of it; then it is
 * left to itself, with `outcome: 'unknown'`.
 *
 * @throws SecureStoreError as {@link inTime}
 */
export async function changeInTime<T>(
  operation: string,
  options: CallOptions | undefined,
  clock: Clock,
  body: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const signal = endOf(operation, options);
  return described(operation, signal, () => settledSoon(body(signal), signal, clock, 'unknown'));
}

/**
 * What a call that changes nothing gives step by step. Its timeout begins with the first step.
 *
 * @throws SecureStoreError as {@link inTime}
 */
export async function* stepsInTime<T>(
  operation: string,
  options: CallOptions | undefined,
  body: (signal: AbortSignal | undefined) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const signal = endOf(operation, options);
  const steps = body(signal)[Symbol.asyncIterator]();
  try {
    while (true) {
      const step = await inTime(operation, { signal }, () => steps.next());
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    // One that waits for what never comes has no end to wait for.
    if (signal?.aborted === true) steps.return?.().catch(() => undefined);
    else await steps.return?.();
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT`, `TIMEOUT`, `ABORTED` */
function endOf(operation: string, options: CallOptions | undefined): AbortSignal | undefined {
  try {
    checkOptions(options, NO_OPTIONS);
    return callSignal(options);
  } catch (error) {
    throw inContext(error, operation, undefined, options?.signal);
  }
}

async function described<T>(operation: string, signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw signal?.aborted === true ? inContext(error, operation, undefined, signal) : error;
  }
}

/**
 * The options with one end for all steps of a call: each would begin its timeout anew otherwise. Options that are none stay as
 * they are, for the step that refuses them.
 */
export function withOneEnd<T extends CallOptions>(options: T | undefined): T | undefined {
  const timeout: unknown = options?.timeout;
  if (options === undefined || !(typeof timeout === 'number' && timeout > 0 && timeout <= 0x7fff_ffff)) return options;
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) return options;
  return { ...options, timeout: undefined, signal: signalOf(options) };
}
