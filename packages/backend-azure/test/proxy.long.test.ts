import { describeUnderFaults } from '../../backend-redis/test/support/faults/describe.ts';
import { AzureBackend } from '../src/index.ts';
import { NO_SERVER, endpointOf, freshUrl, proxied, url } from './support/stores.ts';

// The proxy speaks no TLS to the service.
const NO_WAY = NO_SERVER ?? (endpointOf(url).startsWith('http:') ? undefined : 'its endpoint has TLS');

describeUnderFaults({
  name: 'azure',
  skip: NO_WAY,
  impatient: { timeout: 400 },
  create: () => new AzureBackend(),
  place: async (below) => {
    const direct = freshUrl();
    return { direct, proxy: await proxied(direct, below) };
  },
});
