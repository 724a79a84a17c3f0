import { expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureStore } from 'securestore';
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
    // A busy machine may take longer for the first look than the signature lasts: then it is to last twice as long.
    for (let lasts = 3000; ; lasts *= 2) {
      // To the second, and rounded down.
      const expires = new Date(Date.now() + lasts);
      const sasToken = signatureFor(url, 'rwdl', expires);
      const store = await opened(url, { backendOptions: { sasToken } }).catch((error: unknown) => error);
      const well = store instanceof Error ? store : await look(store as SecureStore);
      if (Date.now() > expires.getTime() - 1000 && lasts < 100_000) continue;
      if (well instanceof Error) throw well;
      expect(troubles(well)).toEqual({});
      await sleep(expires.getTime() - Date.now() + 100);
      return expectRefused(await look(store as SecureStore), 'ACCESS_DENIED');
    }
  },
);
