import { expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachOnce, httpProxyTo } from '../../backend-s3/test/support/http-proxy.ts';
import { describeHealth, expectRefused, look, opened, troubles } from '../../securestore/test/support/server-health.ts';
import { signatureFor } from './support/signatures.ts';
import { NO_SERVER, endpointOf, freshUrl, proxied, withEndpoint } from './support/stores.ts';

/** How Blob Storage says that it wants fewer requests. */
const BUSY = {
  status: 503,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': 'ServerBusy' },
  body: '<?xml version="1.0"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>',
};

describeHealth({
  name: 'azure',
  skip: NO_SERVER,
  fresh: freshUrl,
  proxied,
  async throttled(url) {
    const { origin, pathname } = new URL(endpointOf(url));
    const { refuse, begin } = eachOnce();
    const { endpoint } = await httpProxyTo(origin, { refuse, refusal: BUSY });
    return { url: withEndpoint(url, `${endpoint}${pathname}`), begin };
  },
});

test.skipIf(NO_SERVER !== undefined)(
  'the health of a store on azure fails where the signature has expired',
  async () => {
    const url = freshUrl();
    await opened(url);
    // To the second, and rounded down.
    const expires = new Date(Date.now() + 3000);
    const sasToken = signatureFor(url, 'rwdl', expires);
    const store = await opened(url, { backendOptions: { sasToken } });
    expect(troubles(await look(store))).toEqual({});
    await sleep(expires.getTime() - Date.now() + 100);
    expectRefused(await look(store), 'ACCESS_DENIED');
  },
);
