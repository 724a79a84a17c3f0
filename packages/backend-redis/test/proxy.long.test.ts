import { inject } from 'vitest';
import { RedisBackend } from '../src/index.ts';
import { describeUnderFaults } from './support/faults/describe.ts';
import { freshUrl, proxied } from './support/stores.ts';

const server = inject('redis');

describeUnderFaults({
  name: 'redis',
  skip: 'skip' in server ? server.skip : undefined,
  impatient: { timeout: 400 },
  create: () => new RedisBackend(),
  place: async (below) => {
    const direct = freshUrl('url' in server ? server.url : '');
    return { direct, proxy: await proxied(direct, below) };
  },
});
