import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import { SecureStoreError } from '@securestore/core-format';
import { type Around, type BackendOperation, type Layer, intercept } from './intercept.ts';

/** The tracing channel that {@link tracingLayer} publishes on: `tracing:securestore.backend:start` and so on. */
export const BACKEND_CHANNEL = 'securestore.backend';

/** What subscribers get: at `start` what is known by then, at `asyncEnd` the figures of the finished call. */
export interface BackendTrace {
  readonly backend: string;
  readonly operation: BackendOperation;
  /** The backend's own name of an object, or the prefix of a listing; absent for several keys. */
  readonly key?: string | undefined;
  /** The bytes of all bodies sent. */
  readonly sentBytes: number;
  /** The bytes of the body that was read. */
  receivedBytes: number;
  /** How long the call took, in milliseconds. */
  duration: number;
  /** The code of the error that it ended with; `INTERNAL` for an error that has none. */
  code?: string;
}

/**
 * Publishes every call on the tracing channel {@link BACKEND_CHANNEL} of `node:diagnostics_channel`, fit for spans and
 * for a histogram by backend, operation and code. It costs nothing while nobody subscribes, and publishes no bodies.
 *
 * @param now - a clock in milliseconds that never runs backwards
 */
export function tracingLayer(now: () => number = () => performance.now()): Layer {
  const channel: TracingChannel<string, BackendTrace> = tracingChannel(BACKEND_CHANNEL);
  return intercept((): Around => async (call, run) => {
    if (!channel.hasSubscribers) return run(call.signal);
    const { backend, operation, key, sentBytes, signal } = call;
    const trace: BackendTrace = { backend, operation, key, sentBytes, receivedBytes: 0, duration: 0 };
    const began = now();
    // Runs the call within the stores that subscribers have bound, so that spans nest.
    const pending = channel.start.runStores(trace, async () => run(signal));
    channel.end.publish(trace);
    try {
      const result = await pending;
      trace.receivedBytes = bodyBytes(result);
      return result;
    } catch (error) {
      trace.code = SecureStoreError.is(error) ? error.code : 'INTERNAL';
      throw error;
    } finally {
      trace.duration = now() - began;
      if (trace.code !== undefined) channel.error.publish(trace);
      channel.asyncStart.publish(trace);
      channel.asyncEnd.publish(trace);
    }
  });
}

function bodyBytes(result: unknown): number {
  if (typeof result !== 'object' || result === null || !('body' in result)) return 0;
  return result.body instanceof Uint8Array ? result.body.byteLength : 0;
}
