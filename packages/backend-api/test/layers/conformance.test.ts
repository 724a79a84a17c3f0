import { randomUUID } from 'node:crypto';
import { MemoryBackend } from '@securestore/backend-memory';
import { describeBackend } from '@securestore/backend-testkit';
import { describe, it } from 'vitest';
import { composeLayers, createFaultInjector } from '../../src/index.ts';
import { MEMORY_STACKS } from './stacks.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

for (const [name, layers] of Object.entries(MEMORY_STACKS)) {
  await describeBackend(
    { describe, it },
    {
      name: `memory with ${name}`,
      operations: sized({ short: 50, full: 150, torture: 1000 }),
      createFixture: () => {
        const url = `memory:${randomUUID()}`;
        const faults = createFaultInjector();
        return {
          open: async () => {
            const backend = composeLayers(new MemoryBackend(), [faults.layer, ...layers()]);
            await backend.init({ url, options: {} });
            return backend;
          },
          breakStorage: async () => faults.plan(() => ({ type: 'fail' })),
        };
      },
    },
  );
}
