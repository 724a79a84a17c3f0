import { abortable } from './abortable.ts';
import { callSignal, checkOptions, inContext, signalOf } from './call.ts';
import type { CallOptions } from './types.ts';

const NO_OPTIONS: ReadonlySet<string> = new Set();

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
  let signal: AbortSignal | undefined;
  try {
    checkOptions(options, NO_OPTIONS);
    signal = callSignal(options);
  } catch (error) {
    throw inContext(error, operation, undefined, options?.signal);
  }
  try {
    return await abortable(body(signal), signal);
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
