import { eachOnce, httpProxyTo } from '../../backend-s3/test/support/http-proxy.ts';
import { describeHealth } from '../../securestore/test/support/server-health.ts';
import { NO_RIGHT_SERVER, endpointOf, freshUrl, proxied, withEndpoint } from './support/stores.ts';

/** How Cloud Storage says that it wants fewer requests. */
const TOO_MANY = {
  status: 429,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ error: { code: 429, errors: [{ reason: 'rateLimitExceeded' }], message: 'slower' } }),
};

describeHealth({
  name: 'gcs',
  skip: NO_RIGHT_SERVER,
  fresh: freshUrl,
  proxied,
  async throttled(url) {
    const { refuse, begin } = eachOnce();
    const { endpoint } = await httpProxyTo(endpointOf(url), { refuse, refusal: TOO_MANY });
    return { url: withEndpoint(url, endpoint), begin };
  },
});
