import { inject } from 'vitest';
import { describeHealth } from '../../securestore/test/support/server-health.ts';
import { freshLocation, proxied } from './support/stores.ts';

const server = inject('mongodb');

describeHealth({
  name: 'mongodb',
  skip: 'skip' in server ? server.skip : undefined,
  fresh: () => freshLocation('url' in server ? server.url : ''),
  proxied,
});
