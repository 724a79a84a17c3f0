import { inject } from 'vitest';
import { describeHealth } from '../../securestore/test/support/server-health.ts';
import { accountOf, freshLocation, makeBucket, proxied, stubCredentials } from './support/stores.ts';

const [moto, ceph] = [inject('s3'), inject('ceph')];
if ('url' in ceph) await makeBucket(accountOf(ceph.url));

for (const [name, server] of [
  ['s3 on moto', moto],
  ['s3 on Ceph', ceph],
] as const) {
  const account = accountOf('url' in server ? server.url : '');
  describeHealth({
    name,
    skip: 'skip' in server ? server.skip : undefined,
    fresh: () => {
      stubCredentials(account);
      return freshLocation(account);
    },
    proxied,
  });
}
