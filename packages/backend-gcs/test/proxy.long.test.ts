import { describeUnderFaults } from '../../backend-redis/test/support/faults/describe.ts';
import { GcsBackend } from '../src/index.ts';
import { NO_RIGHT_SERVER, endpointOf, freshUrl, proxied, url } from './support/stores.ts';

// The proxy speaks no TLS to the service.
const NO_WAY = NO_RIGHT_SERVER ?? (endpointOf(url).startsWith('http:') ? undefined : 'its endpoint has TLS');

describeUnderFaults({
  name: 'gcs',
  skip: NO_WAY,
  impatient: { timeout: 400 },
  create: () => new GcsBackend(),
  place: async (below) => {
    const direct = freshUrl();
    return { direct, proxy: await proxied(direct, below) };
  },
});
