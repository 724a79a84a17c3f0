import { describeBackend } from '@securestore/backend-testkit';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { describe, it } from 'vitest';
import { SERVER_STACKS } from '../../backend-api/test/layers/stacks.ts';
import { proxyTo } from '../../../tools/services/src/proxy/proxy.ts';
import { AzureBackend } from '../src/index.ts';
import { NO_SERVER, endpointOf, freshUrl, url, withEndpoint } from './support/stores.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const PLAIN = 'no layers';

if (NO_SERVER !== undefined) {
  it.skip(`the backend contract (skipped: ${NO_SERVER})`, () => undefined);
} else {
  for (const [name, layers] of Object.entries({ [PLAIN]: () => [], ...SERVER_STACKS })) {
    await describeBackend(
      { describe, it },
      {
        name: `azure with ${name}`,
        operations: sized({ short: 100, full: name === PLAIN ? 250 : 150, torture: 1000 }),
        createFixture: async () => {
          const proxy = await proxyTo(endpointOf(url));
          const faults = createFaultInjector();
          const storeUrl = withEndpoint(freshUrl(), proxy.url);
          return {
            open: async () => {
              const backend = composeLayers(new AzureBackend(), [faults.layer, ...layers()]);
              await backend.init({ url: storeUrl, options: {} });
              return backend;
            },
            breakStorage: async () => (name === PLAIN ? proxy.cut() : faults.plan(() => ({ type: 'fail' }))),
            dispose: async () => proxy.close(),
          };
        },
      },
    );
  }
}
