import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { describeUnderFaults } from '../../backend-redis/test/support/faults/describe.ts';
import { S3Backend } from '../src/index.ts';
import { accountOf, bucketOf, clientOf, endpointOf, freshUrl, proxied } from './support/stores.ts';

for (const name of ['s3', 'ceph'] as const) {
  const server = inject(name);
  const account = accountOf('url' in server ? server.url : '');
  // The proxy speaks no TLS to the service.
  const encrypted = endpointOf(account.url)?.startsWith('http:') === true ? undefined : 'its endpoint has TLS';
  describeUnderFaults({
    name,
    skip: 'skip' in server ? server.skip : encrypted,
    impatient: { timeout: name === 'ceph' ? 1000 : 400 },
    options: { ...account.credentials },
    create: () => new S3Backend(),
    place: async (below) => {
      // One that is there already, and one's own, is no error at these.
      await clientOf(account).send(new CreateBucketCommand({ Bucket: bucketOf(account) }));
      const direct = freshUrl(account);
      return { direct, proxy: await proxied(direct, below) };
    },
  });
}
