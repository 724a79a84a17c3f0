import {
  type Layer,
  createCallCounter,
  createFaultInjector,
  forwardTo,
  limitLayer,
  retryLayer,
  timeoutLayer,
  tracingLayer,
} from '../../src/index.ts';
import { noSleep } from './fake-time.ts';

/** Layers as they are put around backends, each with a name; the first of a list is next to the backend. */
export const STACKS: Readonly<Record<string, () => Layer[]>> = {
  forward: () => [(inner) => forwardTo(inner, {})],
  retry: () => [retryLayer({ sleep: noSleep })],
  timeout: () => [timeoutLayer({ milliseconds: 60_000 })],
  limit: () => [limitLayer(2)],
  tracing: () => [tracingLayer()],
  counting: () => [createCallCounter().layer],
  'all of them': () => [
    timeoutLayer({ milliseconds: 60_000 }),
    limitLayer(4),
    retryLayer({ sleep: noSleep }),
    tracingLayer(),
    createCallCounter().layer,
  ],
  'retry over a backend that fails every third call': () => [
    createFaultInjector(({ index }) => (index % 3 === 2 ? { type: 'fail' } : undefined)).layer,
    retryLayer({ sleep: noSleep, budget: 1_000_000 }),
  ],
};

/** The layers for backends on a server, where a run takes longer: all kinds at once, and in full runs each of them. */
export const SERVER_STACKS: typeof STACKS =
  process.env['SECURESTORE_TORTURE'] === '1'
    ? STACKS
    : Object.fromEntries(Object.entries(STACKS).filter(([name]) => name === 'all of them'));
