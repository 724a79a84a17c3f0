import { describeBackend } from '@securestore/backend-testkit';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { describe, inject, it } from 'vitest';
import { SERVER_STACKS, STORE_STACK } from '../../backend-api/test/layers/stacks.ts';
import { S3Backend } from '../src/index.ts';
import { accountOf, freshUrl } from './support/stores.ts';
import { LONG, sized, TORTURE } from '../../../tools/campaigns/src/size.ts';

const server = inject('s3');
/** Where there is a Ceph, the backend without layers runs on that, and twice takes its time. */
const plain = TORTURE || (LONG && 'skip' in inject('ceph')) ? { 'no layers': () => [] } : {};

if ('skip' in server) {
  it.skip(`the backend contract (skipped: ${server.skip})`, () => undefined);
} else {
  const account = accountOf(server.url);
  for (const [name, layers] of Object.entries({ ...plain, ...(LONG ? SERVER_STACKS : STORE_STACK) })) {
    await describeBackend(
      { describe, it },
      {
        name: `s3 with ${name}`,
        operations: sized({ short: 100, full: 250, torture: 1000 }),
        createFixture: () => {
          const faults = createFaultInjector();
          const url = freshUrl(account);
          return {
            open: async () => {
              const backend = composeLayers(new S3Backend(), [faults.layer, ...layers()]);
              await backend.init({ url, options: { ...account.credentials } });
              return backend;
            },
            breakStorage: async () => faults.plan(() => ({ type: 'fail' })),
          };
        },
      },
    );
  }
}
