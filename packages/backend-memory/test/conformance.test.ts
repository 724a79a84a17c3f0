import { randomUUID } from 'node:crypto';
import { describeBackend } from '@securestore/backend-testkit';
import { describe, it } from 'vitest';
import { MemoryBackend } from '../src/index.ts';
import { TORTURE } from '../../../tools/campaigns/src/size.ts';

await describeBackend(
  { describe, it },
  {
    name: 'memory',
    operations: TORTURE ? 1000 : 500,
    createFixture: () => {
      const url = `memory:${randomUUID()}`;
      return {
        open: async () => {
          const backend = new MemoryBackend();
          await backend.init({ url, options: {} });
          return backend;
        },
      };
    },
  },
);
