import { networkLayers } from '../../../securestore/src/store/network-layers.ts';
import {
  type Layer,
  createCallCounter,
  createFaultInjector,
  createMeter,
  forwardTo,
  limitLayer,
  retryLayer,
  timeoutLayer,
  tracingLayer,
} from '../../src/index.ts';
import { noSleep } from './fake-time.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const NETWORK_LAYERS = networkLayers();

type Stack = () => readonly Layer[];

/** What a store puts around backends that are reached over a network. */
const PRODUCTION = 'the layers of a store';

/** Every order of the layers of a store: the usual one, the reverse, and those that a user might come upon. */
function orders(): Record<string, Stack> {
  const [timeout, limit, retry] = NETWORK_LAYERS;
  if (timeout === undefined || limit === undefined || retry === undefined || NETWORK_LAYERS.length !== 3) {
    throw new Error('the layers of a store are not a timeout, a limit and a retry: bring these stacks up to date');
  }
  return {
    [PRODUCTION]: () => NETWORK_LAYERS,
    'timeout, retry, limit': () => [timeout, retry, limit],
    'limit, timeout, retry': () => [limit, timeout, retry],
    'limit, retry, timeout': () => [limit, retry, timeout],
    'retry, timeout, limit': () => [retry, timeout, limit],
    'retry, limit, timeout': () => [retry, limit, timeout],
  };
}

/** Fails every third call that reaches it. */
function failing(): Layer {
  return createFaultInjector(({ index }) => (index % 3 === 2 ? { type: 'fail' } : undefined)).layer;
}

/** Of a hundred calls at once, one may be every third each time. */
const patient = (): Layer => retryLayer({ sleep: noSleep, attempts: 20, budget: 1_000_000 });

/** Layers as they are put around backends, each with a name; the first of a list is next to the backend. */
const STACKS: Readonly<Record<string, Stack>> = {
  forward: () => [(inner) => forwardTo(inner, {})],
  faults: () => [createFaultInjector().layer],
  retry: () => [retryLayer({ sleep: noSleep })],
  timeout: () => [timeoutLayer({ milliseconds: 60_000 })],
  limit: () => [limitLayer(2)],
  'one call at a time': () => [limitLayer(1)],
  tracing: () => [tracingLayer()],
  counting: () => [createCallCounter().layer],
  ...orders(),
  'the layers of a store, metered': () => [...NETWORK_LAYERS, createMeter().layer],
  'the layers of a store, traced and counted': () => [...NETWORK_LAYERS, tracingLayer(), createCallCounter().layer],
  'the layers of a store, traced and counted next to the backend': () => [
    createCallCounter().layer,
    tracingLayer(),
    ...NETWORK_LAYERS,
  ],
  'the layers of a store twice': () => [...NETWORK_LAYERS, ...NETWORK_LAYERS],
  'retry over a backend that fails every third call': () => [failing(), patient()],
  'limit and timeout between that and retry': () => [
    failing(),
    limitLayer(2),
    timeoutLayer({ milliseconds: 60_000 }),
    patient(),
  ],
  'retry in retry over it': () => [failing(), patient(), patient()],
};

function only(...names: readonly string[]): Record<string, Stack> {
  const chosen = Object.entries(STACKS).filter(([name]) => names.includes(name));
  if (chosen.length !== names.length) throw new Error(`there are no stacks of these names: ${names.join('; ')}`);
  return Object.fromEntries(chosen);
}

/** The layers of a store alone. */
export const STORE_STACK: Readonly<Record<string, Stack>> = only(PRODUCTION);

/** The layers for the backend in memory; a short run has each layer, and leaves out other orders of them. */
export const MEMORY_STACKS: typeof STORE_STACK = sized({
  short: only(
    'one call at a time',
    'the layers of a store, metered',
    'the layers of a store, traced and counted',
    'limit and timeout between that and retry',
  ),
  full: STACKS,
  torture: STACKS,
});

/** The layers for backends on a server, where a run takes longer. */
export const SERVER_STACKS: typeof STORE_STACK = sized({ short: {}, full: STORE_STACK, torture: STACKS });
