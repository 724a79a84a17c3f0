import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { describeHealth } from '../../securestore/test/support/server-health.ts';
import { accountOf, bucketOf, endpointOf, freshLocation, proxied, stubCredentials } from './support/stores.ts';

const servers = { 's3 on moto': inject('s3'), 's3 on Ceph': inject('ceph') };

for (const [name, server] of Object.entries(servers)) {
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
