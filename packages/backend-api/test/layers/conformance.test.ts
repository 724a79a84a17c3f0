import { randomUUID } from 'node:crypto';
import { MemoryBackend } from '@securestore/backend-memory';
import { describeBackend } from '@securestore/backend-testkit';
import { describe, it } from 'vitest';
import {
  type Layer,
  composeLayers,
  createCallCounter,
  createFaultInjector,
  forwardTo,
  limitLayer,
  retryLayer,
  timeoutLayer,
  tracingLayer,
} from '../../src/index.ts';
import { noSleep } from './fake-time.ts';

const STACKS: Readonly<Record<string, () => Layer[]>> = {
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

for (const [name, layers] of Object.entries(STACKS)) {
  await describeBackend(
    { describe, it },
    {
      name: `memory with ${name}`,
      createFixture: () => {
        const location = `memory:${randomUUID()}`;
        const faults = createFaultInjector();
        return {
          open: async () => {
            const backend = composeLayers(new MemoryBackend(), [faults.layer, ...layers()]);
            await backend.init({ location, options: {} });
            return backend;
          },
          breakStorage: async () => faults.plan(() => ({ type: 'fail' })),
        };
      },
    },
  );
}
