import { inject } from 'vitest';
import { describeUnderFaults } from '../../backend-redis/test/support/faults/describe.ts';
import { PostgresBackend } from '../src/index.ts';
import { freshUrl, proxied } from './support/stores.ts';

const server = inject('postgres');

describeUnderFaults({
  name: 'postgres',
  skip: 'skip' in server ? server.skip : undefined,
  impatient: { timeout: 400 },
  create: () => new PostgresBackend(),
  place: async (below) => {
    const direct = freshUrl('url' in server ? server.url : '');
    return { direct, proxy: await proxied(direct, below) };
  },
});
