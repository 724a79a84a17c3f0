import { describeBackend } from '@securestore/backend-testkit';
import type { TestRunner } from '@securestore/backend-testkit';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { describe, it } from 'vitest';
import { SERVER_STACKS } from '../../backend-api/test/layers/stacks.ts';
import { proxyTo } from '../../../tools/services/src/proxy/proxy.ts';
import { GcsBackend } from '../src/index.ts';
import { LACKING, NO_SERVER, endpointOf, freshUrl, url, withEndpoint } from './support/stores.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const PLAIN = 'no layers';

/** The tests that a server fails which lacks something. */
const FAILED_BY_OLDER: readonly string[] = [
  'the bytes from start to before end, and the size of the whole',
  'of an empty body',
  'of a body that is being replaced, bytes that fit to the size',
  'of 8 conditional deletes one wins',
  'a delete with ifMatch deletes that body and no other',
  'random operations do what a plain map does',
];

/** Declares the suite under a name of its own where some of it is left out: it is not compared with docs/conformance.md. */
const onOlder: TestRunner = {
  describe: (name, body) => describe(name.replace(/: backend contract$/, ': backend contract, in part'), body),
  it: Object.assign(
    (name: string, body: () => Promise<void>) =>
      FAILED_BY_OLDER.includes(name) ? it.skip(`${name} (${LACKING})`, body) : it(name, body),
    { skip: it.skip },
  ),
};
const runner: TestRunner = LACKING === undefined ? { describe, it } : onOlder;

if (NO_SERVER !== undefined) {
  it.skip(`the backend contract (skipped: ${NO_SERVER})`, () => undefined);
} else {
  for (const [name, layers] of Object.entries({ [PLAIN]: () => [], ...SERVER_STACKS })) {
    await describeBackend(runner, {
      name: `gcs with ${name}`,
      operations: sized({ short: 100, full: name === PLAIN ? 250 : 150, torture: 1000 }),
      createFixture: async () => {
        const proxy = await proxyTo(endpointOf(url));
        const faults = createFaultInjector();
        const storeUrl = withEndpoint(freshUrl(), proxy.url);
        return {
          open: async () => {
            const backend = composeLayers(new GcsBackend(), [faults.layer, ...layers()]);
            await backend.init({ url: storeUrl, options: {} });
            return backend;
          },
          breakStorage: async () => (name === PLAIN ? proxy.cut() : faults.plan(() => ({ type: 'fail' }))),
          dispose: async () => proxy.close(),
        };
      },
    });
  }
}
